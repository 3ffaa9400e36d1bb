import { expect, test } from "vitest";
import { weakness } from "../../src/client/passwords";

test.each([
  ["password123", "too_short"],
  ["aaaaaaaaaaaaaaaaaaaa", "repeated"],
  ["abcabcabcabcabcabc", "repeated"],
  ["qwertyuiop12345", "common"],
  ["river-sotto-river-2024", "own_name"],
  ["umbrella quartz lantern violin", undefined],
])("%s is %s", async (password, found) => expect(await weakness(password, ["river"])).toBe(found));
