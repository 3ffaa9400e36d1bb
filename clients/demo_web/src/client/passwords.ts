// Which passwords are refused, told without a network: the server never sees a password, so the client judges it.
//
// NIST SP 800-63B-4 section 3.1.1.2: at least 15 characters, any characters, no composition rules, compared with what
// a guesser would try: a password is refused if three common pieces or fewer make it up. The same rules and the same
// list as the Python client's; the list is loaded only where a password is chosen.

export const MIN_CHARS = 15;
const MOST_PIECES = 3;
const SHORTEST_RUN = 3;
const MOST_DIGITS = 4;
const SERVICE_NAMES = ["sotto", "sottochat"];
const ROWS = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop",
  "qwertzuiop",
  "azertyuiop",
  "asdfghjkl",
  "qsdfghjklm",
  "zxcvbnm",
  "yxcvbnm",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
  "1q2w3e4r5t6y7u8i9o0p",
  "q1w2e3r4t5y6u7i8o9p0",
  "qazwsxedcrfvtgbyhnujmikolp",
];
const RUNS = [...ROWS, ...ROWS.map((row) => [...row].reverse().join(""))].join(" ");
const PLAIN = new Map([..."0134578@$!"].map((sign, at) => [sign, "oieastbasi"[at] ?? sign]));
const SEPARATORS = /[^\p{L}\p{N}]+/gu;

export type Weakness = "too_short" | "repeated" | "common" | "own_name";

/** What is wrong with a password, or undefined. `ownNames`: sign-in name, organisation. */
export async function weakness(password: string, ownNames: readonly string[]): Promise<Weakness | undefined> {
  const kept = password.normalize("NFKC");
  if ([...kept].length < MIN_CHARS) return "too_short";
  const text = bare(kept);
  if (repeats(text)) return "repeated";
  const { default: listed } = await import("../../../python/sotto/passwords.txt?raw");
  return judge(text, namesOf(ownNames), wordsOf(listed));
}

function judge(text: string, own: Set<string>, words: Set<string>): Weakness | undefined {
  const plain = [...text].map((char) => PLAIN.get(char) ?? char).join("");
  if (Math.min(pieces(text, own, words), pieces(plain, own, words)) > MOST_PIECES) return undefined;
  return [...own].some((name) => text.includes(name) || plain.includes(name)) ? "own_name" : "common";
}

const wordsOf = (listed: string): Set<string> =>
  new Set(
    listed
      .split("\n")
      .filter((line) => line && !line.startsWith("#"))
      .map(bare),
  );

function namesOf(ownNames: readonly string[]): Set<string> {
  const parts = [...ownNames, ...SERVICE_NAMES].flatMap((name) => [name, ...name.split(SEPARATORS)]);
  return new Set(parts.map(bare).filter((name) => name.length >= SHORTEST_RUN));
}

/** Lower case, without blanks and signs, long repeats cut to three. A text of signs alone keeps them. */
function bare(text: string): string {
  const folded = text.normalize("NFKC").toLowerCase();
  return (folded.replaceAll(SEPARATORS, "") || folded).replaceAll(/(.)\1{3,}/gsu, "$1$1$1");
}

/** Whether a part shorter than a password is said over and over. */
function repeats(text: string): boolean {
  const most = Math.min(MIN_CHARS - 1, Math.floor(text.length / 2));
  return Array.from({ length: most }, (_, at) => at + 1).some(
    (period) => text.slice(period) === text.slice(0, -period),
  );
}

/** The fewest pieces that make up the text; a character that is in none of them is a piece. */
function pieces(text: string, own: Set<string>, words: Set<string>): number {
  const fewest = [0];
  for (let end = 1; end <= text.length; end++) {
    let least = Number.POSITIVE_INFINITY;
    for (let start = 0; start < end; start++)
      least = Math.min(least, (fewest[start] ?? 0) + cost(text.slice(start, end), own, words));
    fewest.push(least);
  }
  return fewest.at(-1) ?? 0;
}

function cost(part: string, own: Set<string>, words: Set<string>): number {
  if (own.has(part)) return 0;
  return part.length === 1 || words.has(part) || isRun(part) ? 1 : part.length;
}

/** A keyboard or alphabet run, one character repeated, or a few digits, such as a year. */
function isRun(part: string): boolean {
  if (/^\d+$/.test(part) && part.length <= MOST_DIGITS) return true;
  if (part.length < SHORTEST_RUN) return false;
  return RUNS.includes(part) || [...part].every((char) => char === part[0]);
}
