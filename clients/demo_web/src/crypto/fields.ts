// Fixed-width big-endian fields (CRYPTO section 1): how every struct is written and read.

import { type Bytes, concat, encodeText } from "../bytes";
import { require } from "./refusals";

export const ID_BYTES = 16;
export const HASH_BYTES = 32;
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER; // 2^53 - 1
export const ZERO_ID: Bytes = new Uint8Array(ID_BYTES);
export const ZERO_HASH: Bytes = new Uint8Array(HASH_BYTES);

/** `value` as `width` bytes. Refuses what does not fit and anything above 2^53 - 1. */
export function uint(value: number, width: number): Bytes {
  const most = Math.min(MAX_INTEGER, 256 ** width - 1);
  require(Number.isInteger(value) && value >= 0 && value <= most, "number_range");
  const raw = new Uint8Array(width);
  let left = value;
  for (let at = width - 1; at >= 0; at--) {
    raw[at] = left % 256;
    left = Math.floor(left / 256);
  }
  return raw;
}

export const u8 = (value: number): Bytes => uint(value, 1);
export const u16 = (value: number): Bytes => uint(value, 2);
export const u32 = (value: number): Bytes => uint(value, 4);
/** Eight bytes, of which the value uses 53 bits. */
export const u64 = (value: number): Bytes => uint(value, 8);

/** `value` itself, refused unless it has exactly `width` bytes. */
export function fixed(value: Bytes, width: number): Bytes {
  require(value.length === width, "bad_width");
  return value;
}

/** len16 || value. */
export const counted = (value: Bytes): Bytes => concat(u16(value.length), value);

/** The UTF-8 form of a text; a lone surrogate has none. */
export function utf8(text: string): Bytes {
  require(text.isWellFormed(), "bad_text");
  return encodeText(text);
}

/** Reads fixed-width fields from the front of a struct; too short and left-over bytes are refused. */
export class Reader {
  readonly #raw: Bytes;
  #at = 0;

  constructor(raw: Bytes) {
    this.#raw = raw;
  }

  take(width: number): Bytes {
    const end = this.#at + width;
    require(end <= this.#raw.length, "bad_length");
    const piece = this.#raw.slice(this.#at, end);
    this.#at = end;
    return piece;
  }

  /** The next `width` bytes as a number of at most 2^53 - 1. */
  uint(width: number): number {
    const value = this.take(width).reduce((sum, byte) => sum * 256 + byte, 0);
    require(value <= MAX_INTEGER, "number_range");
    return value;
  }

  /** Everything that was not read yet. */
  rest(): Bytes {
    return this.take(this.#raw.length - this.#at);
  }

  /** Refuse bytes that nobody asked for. */
  end(): void {
    require(this.#at === this.#raw.length, "bad_length");
  }
}
