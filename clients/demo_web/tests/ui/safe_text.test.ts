import { expect, test } from "vitest";
import { safeLine, safeText } from "../../src/ui/safe_text";

test("what turns the reading order around is shown, not done", () => {
  expect(safeText("a\u202eb\u2066c")).toBe("a<U+202E>b<U+2066>c");
});

test("control characters show as their pictures; line breaks and tabs act", () => {
  expect(safeText("a\u0000\u001b[2J\u007f\r\nb\tc")).toBe("a␀␛[2J␡\nb\tc");
});

test("marks do not tower over other lines", () => {
  expect(safeText(`e${"\u0301".repeat(64_000)}`)).toBe(`e${"\u0301".repeat(4)}`);
});

test("joined emoji and scripts that need joiners stay whole", () => {
  expect(safeText("👩\u200d⚕️ می\u200cخواهم")).toBe("👩\u200d⚕️ می\u200cخواهم");
});

test("a name is one line", () => expect(safeLine("River\n\nadmin")).toBe("River admin"));
