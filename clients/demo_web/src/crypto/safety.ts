// The safety number: two people compare it to know that nobody stands between them (CRYPTO section 9).

import { type Bytes, compare, concat, same } from "../bytes";
import { fixed, HASH_BYTES, ID_BYTES, Reader, u8 } from "./fields";
import { H, requireSigningKey } from "./labels";

const QR_VERSION = 1;
const GROUPS = 6;
const GROUP_BYTES = 5;
const GROUP_MODULUS = 100_000;

/** F = H("sotto/v1/safety", tenant, account, identity_pk), 32 bytes. */
export const fingerprint = (tenant: Bytes, account: Bytes, identityPk: Bytes): Bytes =>
  H("sotto/v1/safety", fixed(tenant, ID_BYTES), fixed(account, ID_BYTES), requireSigningKey(identityPk));

/** 60 digits, the same on both sides: 30 of each fingerprint, the lower fingerprint first. */
export function safetyNumber(own: Bytes, other: Bytes): string {
  const prints = [fixed(own, HASH_BYTES), fixed(other, HASH_BYTES)].toSorted(compare);
  return prints.map(digits).join("");
}

/** What one side shows: 0x01 || F_own || F_other, 65 bytes. */
export const qrBytes = (own: Bytes, other: Bytes): Bytes =>
  concat(u8(QR_VERSION), fixed(own, HASH_BYTES), fixed(other, HASH_BYTES));

/** Whether the code that the other side shows names the same two identities, seen from over there. */
export const qrMatches = (scanned: Bytes, own: Bytes, other: Bytes): boolean =>
  same(scanned, qrBytes(other, own));

/** The first 30 bytes as six 5-byte integers, each mod 100,000 and five digits wide. */
function digits(print: Bytes): string {
  const reader = new Reader(print);
  const groups = Array.from({ length: GROUPS }, () => reader.uint(GROUP_BYTES) % GROUP_MODULUS);
  return groups.map((group) => String(group).padStart(5, "0")).join("");
}
