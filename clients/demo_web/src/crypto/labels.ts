// Labelled hashes, and signatures that exist only under a label (CRYPTO section 1).
// There is no sign(bytes): what is signed is label || 0x00 || struct, and is worth nothing under another label.

import { type Bytes, concat } from "../bytes";
import { fixed, HASH_BYTES, ID_BYTES, KEY_BYTES, SIGNATURE_BYTES, utf8 } from "./fields";
import { otherwise, require } from "./refusals";
import { sodium } from "./sodium";

export const LABELS = [
  "sotto/v1/list",
  "sotto/v1/key",
  "sotto/v1/hello",
  "sotto/v1/http",
  "sotto/v1/roster",
  "sotto/v1/consent",
] as const;
export type Label = (typeof LABELS)[number];

/** Something that can be signed: a struct under its own label. */
export interface Statement {
  readonly label: Label;
  readonly struct: Bytes;
}

const ZERO: Bytes = new Uint8Array(1);

/** label || 0x00 || struct. */
export const labelled = (label: string, struct: Bytes): Bytes => concat(utf8(label), ZERO, struct);

/** BLAKE2b of so many bytes, no key. */
export const blake2b = (raw: Bytes, length = HASH_BYTES): Bytes =>
  sodium.crypto_generichash(length, raw, null);

/** BLAKE2b-256(label || 0x00 || parts joined). Parts have fixed lengths or carry them. */
export const H = (label: string, ...parts: Bytes[]): Bytes => blake2b(labelled(label, concat(...parts)));

/** The exact bytes that a signature covers. */
export const signedBytes = (statement: Statement): Bytes => labelled(statement.label, statement.struct);

/** Refuse with `bad_signature` unless the Ed25519 key signed this statement under its label (RFC 8032). */
export function verify(statement: Statement, signature: Bytes, publicKey: Bytes): void {
  fixed(signature, SIGNATURE_BYTES);
  requireSigningKey(publicKey);
  const message = signedBytes(statement);
  const holds = otherwise("bad_signature", () =>
    sodium.crypto_sign_verify_detached(signature, message, publicKey),
  );
  require(holds, "bad_signature");
}

/** Whether a little-endian value is below 2^255 - 19 (RFC 7748 section 4.1). */
function belowPrime(raw: Bytes): boolean {
  const [lowest = 0, ...others] = raw;
  const top = others.pop() ?? 0;
  if (top !== 0x7f) return top < 0x7f;
  return lowest < 0xed || others.some((byte) => byte !== 0xff);
}

/**
 * The Ed25519 key itself, refused unless canonical, on the curve, of the main subgroup, not of low order.
 *
 * The standard build has no crypto_core_ed25519_is_valid_point. The conversion to X25519 makes the same checks but
 * for the canonical form; its result is thrown away, because no Ed25519 key is ever used as an X25519 key.
 */
export function requireSigningKey(publicKey: Bytes): Bytes {
  fixed(publicKey, KEY_BYTES);
  const y = publicKey.slice();
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & 0x7f; // the top bit is the sign of x (RFC 8032 section 5.1.2)
  require(belowPrime(y), "weak_key");
  otherwise("weak_key", () => sodium.crypto_sign_ed25519_pk_to_curve25519(publicKey));
  return publicKey;
}

const PROBE = new Uint8Array(KEY_BYTES); // a clamped scalar: it takes every low-order point to zero
PROBE[0] = 8;
PROBE[KEY_BYTES - 1] = 64;

/**
 * The X25519 key itself, refused when it is of low order or not canonical: a key at or above the prime, or with its
 * top bit set, would be a second spelling of another key, and one box key must not stand in two devices.
 */
export function requireBoxKey(publicKey: Bytes): Bytes {
  fixed(publicKey, KEY_BYTES);
  require(belowPrime(publicKey), "weak_key");
  const point = otherwise("weak_key", () => sodium.crypto_scalarmult(PROBE, publicKey));
  require(point.some((byte) => byte !== 0), "weak_key");
  return publicKey;
}

/** The 16-byte id of a device: BLAKE2b-128("sotto/v1/device" 0x00 device_pk). Nobody assigns it. */
export const deviceId = (devicePk: Bytes): Bytes =>
  blake2b(labelled("sotto/v1/device", fixed(devicePk, KEY_BYTES)), ID_BYTES);
