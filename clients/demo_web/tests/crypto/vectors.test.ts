// Every case of crypto/vectors, to the byte: the same boxes, the same refusals as the Python implementation.

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { ready } from "../../src/crypto/sodium";
import { run } from "./operations";
import type { Json } from "./values";

const FOLDER = new URL("../../../../crypto/vectors/", import.meta.url);
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

beforeAll(() => ready);

test("there are vectors", () => expect(files.length).toBeGreaterThanOrEqual(11));

for (const file of files) {
  const { about, cases }: Json = JSON.parse(readFileSync(new URL(file, FOLDER), "utf-8"));
  describe(about, () => {
    for (const one of cases) test(one.name, async () => expect(await run(one.do, one.in)).toEqual(one.out));
  });
}
