// What others wrote, made safe to show: nothing in it can turn the reading order, hide, or paint over other lines.
//
// Control characters show as their pictures (U+2400...), other characters without a shape of their own as <U+202E>.
// What joins emoji and letters (U+200C, U+200D) stays, because it only acts on its neighbours.

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const KEPT = new Set(["\n", "\t", "\u200c", "\u200d"]);
const PICTURES = 0x2400;
const DELETE = 0x7f;
const FIRST_PRINTABLE = 0x20;
const MAX_MARKS = 4; // combining marks in a row that are kept; more of them would tower over other lines
const TOWERS = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, "gu");

/** The text as it is shown; a line break and a tab are the control characters that act. */
export const safeText = (text: string): string =>
  text.replaceAll("\r\n", "\n").replaceAll(TOWERS, "$1").replaceAll(HIDDEN, shown);

/** The same on one line. */
export const safeLine = (text: string): string => safeText(text).replaceAll(/[\n\t]+/g, " ");

function shown(char: string): string {
  if (KEPT.has(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  if (code < FIRST_PRINTABLE) return String.fromCodePoint(PICTURES + code);
  if (code === DELETE) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}
