// Bytes and texts: joined, compared, written as hex or base64url. Nothing here knows what they mean.

export type Bytes = Uint8Array;

/** n -> n random bytes; `crypto.getRandomValues` outside of tests. */
export type Random = (count: number) => Bytes;

export const systemRandom: Random = (count) => crypto.getRandomValues(new Uint8Array(count));

export function concat(...parts: Bytes[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether two values are the same, in time that depends on their lengths alone. */
export function same(one: Bytes, other: Bytes): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}

/** Bytewise order, as IndexedDB and Python order bytes. */
export function compare(one: Bytes, other: Bytes): number {
  const shared = Math.min(one.length, other.length);
  for (let at = 0; at < shared; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference) return difference;
  }
  return one.length - other.length;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hex: how an id stands as a key of a Map, and towards the page. */
export function hex(raw: Bytes): string {
  let text = "";
  for (const byte of raw) text += HEX[byte];
  return text;
}

export function unhex(text: string): Bytes {
  const pairs = text.match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

/** base64url without padding (RFC 4648 section 5). */
export function base64url(raw: Bytes): string {
  let binary = "";
  for (const byte of raw) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The inverse; throws on anything else. */
export function unbase64url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const encodeText = (text: string): Bytes => encoder.encode(text);

/** Bytes that are no UTF-8 show as U+FFFD. */
export const decodeText = (raw: Bytes): string => decoder.decode(raw);
