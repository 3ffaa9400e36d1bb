// Linking: the key of a new device as eight words or a code, for a person to compare (CRYPTO section 9).
// The words are those of crypto/words.txt, loaded only where a device is linked.

import { type Bytes, concat, encodeText, same } from "../bytes";
import { KEY_BYTES, Reader, u8 } from "./fields";
import { H, requireSigningKey } from "./labels";
import { require } from "./refusals";

const WORDS = 8;
const WORD_BITS = 11;
const QR_VERSION = 1;

async function wordList(): Promise<string[]> {
  const { default: listed } = await import("../../../../crypto/words.txt?raw");
  return listed.trim().split(/\s+/);
}

/** Eight words: the first 88 bits of H("sotto/v1/link", device_pk), 11 bits each, the highest first. */
export async function linkWords(devicePk: Bytes): Promise<string[]> {
  const hashed = H("sotto/v1/link", requireSigningKey(devicePk));
  const listed = await wordList();
  return Array.from({ length: WORDS }, (_, at) => listed[bitsAt(hashed, at * WORD_BITS)] ?? "");
}

/** The 11 bits that begin at a bit; they reach over three bytes at most. */
function bitsAt(raw: Bytes, bit: number): number {
  const first = Math.floor(bit / 8);
  const [high = 0, middle = 0, low = 0] = raw.subarray(first, first + 3);
  const shift = 24 - WORD_BITS - (bit % 8);
  return (((high << 16) | (middle << 8) | low) >> shift) % 2 ** WORD_BITS;
}

/** Whether somebody typed exactly this key's words; upper case and the space between them do not matter. */
export async function wordsMatch(typed: string, devicePk: Bytes): Promise<boolean> {
  const said = typed.trim().toLowerCase().split(/\s+/).join(" ");
  return same(encodeText(said), encodeText((await linkWords(devicePk)).join(" ")));
}

/** What a new device shows as a code: 0x01 || device_pk, 33 bytes. */
export const linkQrBytes = (devicePk: Bytes): Bytes => concat(u8(QR_VERSION), requireSigningKey(devicePk));

/** The device key that a scanned code names. */
export function parseLinkQr(scanned: Bytes): Bytes {
  const reader = new Reader(scanned);
  require(reader.uint(1) === QR_VERSION, "bad_version");
  const devicePk = reader.take(KEY_BYTES);
  reader.end();
  return requireSigningKey(devicePk);
}
