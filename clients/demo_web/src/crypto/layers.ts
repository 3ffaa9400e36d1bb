// The layers of an envelope as bytes (CRYPTO section 3): content, ad, commitment, context, inner and outer.
// Every function here writes or reads exactly one row of the table; none decides anything.

import { type Bytes, concat } from "../bytes";
import { BUNDLE_BYTES } from "./bundles";
import { fixed, HASH_BYTES, ID_BYTES, KEY_BYTES, Reader, u8, u32, u64 } from "./fields";
import { blake2b, H, labelled } from "./labels";
import { otherwise, Refused } from "./refusals";
import { BUCKETS, CLASS_BUCKETS, type FrameClass } from "./scopes";
import { sodium } from "./sodium";

const AD_VERSION = 1;
export const OUTER_LAYER = 1;
export const INNER_LAYER = 2;
export const BOX_NONCE_BYTES = 24;
export const CONTENT_HEAD_BYTES = 1 + 8 + 8 + 2 * HASH_BYTES;
export const INNER_HEAD_BYTES = 1 + HASH_BYTES + KEY_BYTES;
export const MAX_BODY_BYTES = BUCKETS[5] - 1 - INNER_HEAD_BYTES - CONTENT_HEAD_BYTES;

/** What is said, the same bytes for every device. `prev` is zero at seq 1 and in classes 2 and 3. */
export interface Content {
  readonly kind: number;
  readonly seq: number;
  readonly sentAtMs: number;
  readonly prev: Bytes;
  readonly members: Bytes;
  readonly body: Bytes;
}

/** kind u8, seq u64, sent_at_ms u64, prev 32, members 32, body. */
export function encodeContent(content: Content): Bytes {
  return concat(
    u8(content.kind),
    u64(content.seq),
    u64(content.sentAtMs),
    fixed(content.prev, HASH_BYTES),
    fixed(content.members, HASH_BYTES),
    content.body,
  );
}

/** The inverse of `encodeContent`. */
export function decodeContent(raw: Bytes): Content {
  const reader = new Reader(raw);
  return {
    kind: reader.uint(1),
    seq: reader.uint(8),
    sentAtMs: reader.uint(8),
    prev: reader.take(HASH_BYTES),
    members: reader.take(HASH_BYTES),
    body: reader.rest(),
  };
}

/** One end of a box, from a list and a bundle that were verified. */
export interface Party {
  readonly account: Bytes;
  readonly identityPk: Bytes;
  readonly devicePk: Bytes;
  readonly boxPk: Bytes;
}

const partyHead = (party: Party): Bytes =>
  concat(
    fixed(party.account, ID_BYTES),
    fixed(party.identityPk, KEY_BYTES),
    fixed(party.devicePk, KEY_BYTES),
  );

/** The ad, 42 bytes: 0x01, class u8, scope 16, sender device id 16, n u64. */
export const associated = (frameClass: FrameClass, scope: Bytes, senderDevice: Bytes, n: number): Bytes =>
  concat(u8(AD_VERSION), u8(frameClass), fixed(scope, ID_BYTES), fixed(senderDevice, ID_BYTES), u64(n));

/**
 * The c: HMAC-SHA-512 cut to 32 bytes (crypto_auth) over "sotto/v1/frank" 0x00 ad content, kf of exactly 32 bytes.
 *
 * A shorter key would be padded with zeros and a longer one hashed (RFC 2104), so that two keys could commit to the
 * same bytes.
 */
export const commitment = (kf: Bytes, ad: Bytes, content: Bytes): Bytes =>
  sodium.crypto_auth(labelled("sotto/v1/frank", concat(ad, content)), fixed(kf, KEY_BYTES));

/** What both ends know of each other, hashed; key_no and list_hash are the recipient's. */
export const context = (tenant: Bytes, from: Party, to: Party, keyNo: number, listHash: Bytes): Bytes =>
  H(
    "sotto/v1/ctx",
    fixed(tenant, ID_BYTES),
    partyHead(from),
    fixed(from.boxPk, KEY_BYTES),
    partyHead(to),
    u32(keyNo),
    fixed(to.boxPk, KEY_BYTES),
    fixed(listHash, HASH_BYTES),
  );

/** 0x02, ctx 32, kf 32, content. */
export const innerPlaintext = (ctx: Bytes, kf: Bytes, content: Bytes): Bytes =>
  concat(u8(INNER_LAYER), fixed(ctx, HASH_BYTES), fixed(kf, KEY_BYTES), content);

/** 0x01, sender bundle 195, to_list_version u32, inner. */
export const outerPlaintext = (bundle: Bytes, toListVersion: number, inner: Bytes): Bytes =>
  concat(u8(OUTER_LAYER), fixed(bundle, BUNDLE_BYTES), u32(toListVersion), inner);

/** ISO 7816-4 padding to the smallest bucket with room for its marker; signals start at 8,192. */
export function pad(frameClass: FrameClass, plaintext: Bytes): Bytes {
  const bucket = CLASS_BUCKETS[frameClass].find((size) => size > plaintext.length);
  if (!bucket) throw new Refused("too_long");
  return sodium.pad(plaintext, bucket);
}

/** A nonce of 24 bytes, then crypto_box. */
export const innerBox = (padded: Bytes, toPk: Bytes, fromSecret: Bytes, nonce: Bytes): Bytes =>
  concat(fixed(nonce, BOX_NONCE_BYTES), box(padded, nonce, toPk, fromSecret));

/** What crypto_box_seal makes, with the ephemeral key an input: epk 32, then crypto_box. */
export function sealed(plaintext: Bytes, toPk: Bytes, ephemeralSecret: Bytes): Bytes {
  const ephemeralPk = sodium.crypto_scalarmult_base(fixed(ephemeralSecret, KEY_BYTES));
  const nonce = blake2b(concat(ephemeralPk, toPk), BOX_NONCE_BYTES); // as crypto_box_seal derives it, no label
  return concat(ephemeralPk, box(plaintext, nonce, toPk, ephemeralSecret));
}

/** crypto_box; a low-order key, where libsodium fails, is refused by name. */
const box = (plaintext: Bytes, nonce: Bytes, toPk: Bytes, fromSecret: Bytes): Bytes =>
  otherwise("weak_key", () => sodium.crypto_box_easy(plaintext, nonce, toPk, fromSecret));
