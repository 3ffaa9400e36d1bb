// The key bundle: a device's box key, signed by the device (CRYPTO section 2), 195 bytes.

import { type Bytes, concat, same } from "../bytes";
import { CALL_LIFE_MS, MAIL_LIFE_MS } from "./clock";
import {
  fixed,
  HASH_BYTES,
  ID_BYTES,
  KEY_BYTES,
  Reader,
  SIGNATURE_BYTES,
  u8,
  u32,
  u64,
  ZERO_HASH,
  ZERO_ID,
} from "./fields";
import { deviceId, requireBoxKey, type Statement, verify } from "./labels";
import { type Device, type DeviceList, deviceOf } from "./lists";
import { Refused, require } from "./refusals";
import type { DeviceKey } from "./signing";

export const BUNDLE_BYTES = 195;
const BUNDLE_VERSION_BYTE = 1;
const SUITE = 1; // X25519, XSalsa20-Poly1305; suite 2 is reserved (CRYPTO section 11)

/** What a box key is for: mail has scope zero, a call the call's id. */
export const USE = { MAIL: 0, CALL: 1 } as const;
export type Use = (typeof USE)[keyof typeof USE];

const LIFE_MS: Record<Use, number> = { 0: MAIL_LIFE_MS, 1: CALL_LIFE_MS };

/** The 131 signed bytes: a box key, its device, its number and its clock. */
export interface BundleBody {
  readonly use: Use;
  readonly scope: Bytes;
  readonly deviceId: Bytes;
  readonly keyNo: number;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly boxPk: Bytes;
  readonly listVersion: number;
  readonly logSize: number;
  readonly logRoot: Bytes;
}

/** A bundle's body with its signature; `parseBundle` leaves the signature unchecked. */
export interface Bundle {
  readonly body: BundleBody;
  readonly signature: Bytes;
}

/** The body itself, refused where it breaks a rule. */
export function bundleBody(body: BundleBody): BundleBody {
  requireBoxKey(body.boxPk);
  require(body.keyNo >= 1, "number_range");
  require(body.listVersion >= 1, "number_range");
  require((body.use === USE.MAIL) === same(body.scope, ZERO_ID), "bad_use");
  const lifeMs = body.expiresMs - body.createdMs;
  require(lifeMs > 0 && lifeMs <= LIFE_MS[body.use], "bad_lifetime");
  return body;
}

function encodeBody(body: BundleBody): Bytes {
  return concat(
    u8(BUNDLE_VERSION_BYTE),
    u8(SUITE),
    u8(body.use),
    fixed(body.scope, ID_BYTES),
    fixed(body.deviceId, ID_BYTES),
    u32(body.keyNo),
    u64(body.createdMs),
    u64(body.expiresMs),
    body.boxPk,
    u32(body.listVersion),
    u64(body.logSize),
    fixed(body.logRoot, HASH_BYTES),
  );
}

/** The wire form, 195 bytes. */
export const encodeBundle = (bundle: Bundle): Bytes =>
  concat(encodeBody(bundle.body), fixed(bundle.signature, SIGNATURE_BYTES));

/** Refuse to seal to a key from the moment it expires. */
export function requireUsable(body: BundleBody, nowMs: number): void {
  require(nowMs < body.expiresMs, "key_expired");
}

/** What a bundle's signature covers: tenant || account || list_hash || the first 131 bytes. */
function keyStatement(own: DeviceList, body: BundleBody): Statement {
  const struct = concat(own.tenant, own.account, fixed(own.listHash, HASH_BYTES), encodeBody(body));
  return { label: "sotto/v1/key", struct };
}

/** A mail key's body without a key log. */
export const mailBody = (
  fields: Pick<BundleBody, "deviceId" | "keyNo" | "createdMs" | "boxPk" | "listVersion">,
): BundleBody =>
  bundleBody({
    ...fields,
    use: USE.MAIL,
    scope: ZERO_ID,
    expiresMs: fields.createdMs + MAIL_LIFE_MS,
    logSize: 0,
    logRoot: ZERO_HASH,
  });

/** A device's bundle under its account's list `own`. */
export function signBundle(body: BundleBody, device: DeviceKey, own: DeviceList): Bundle {
  require(same(body.deviceId, device.id), "wrong_device");
  require(body.listVersion === own.version, "wrong_list");
  return { body, signature: device.sign(keyStatement(own, body)) };
}

/** A well-formed bundle, its signature not yet checked. */
export function parseBundle(raw: Bytes): Bundle {
  require(raw.length === BUNDLE_BYTES, "bad_length");
  const reader = new Reader(raw);
  require(reader.uint(1) === BUNDLE_VERSION_BYTE, "bad_version");
  require(reader.uint(1) === SUITE, "bad_suite");
  return { body: readBody(reader), signature: reader.take(SIGNATURE_BYTES) };
}

/** A bundle of one of the devices of `own`, published under exactly that list. */
export function verifyBundleIn(raw: Bytes, own: DeviceList): Bundle {
  const bundle = parseBundle(raw);
  requireSignedIn(bundle, own);
  return bundle;
}

/** The device of `own` that signed this bundle under exactly that list. */
export function requireSignedIn(bundle: Bundle, own: DeviceList): Device {
  const { body } = bundle;
  require(body.listVersion === own.version, "wrong_list");
  const device = deviceOf(own, body.deviceId);
  if (!device) throw new Refused("wrong_device");
  require(same(body.deviceId, deviceId(device.devicePk)), "wrong_device");
  verify(keyStatement(own, body), bundle.signature, device.devicePk);
  return device;
}

function readBody(reader: Reader): BundleBody {
  const use = reader.uint(1);
  if (use !== USE.MAIL && use !== USE.CALL) throw new Refused("bad_use");
  return bundleBody({
    use,
    scope: reader.take(ID_BYTES),
    deviceId: reader.take(ID_BYTES),
    keyNo: reader.uint(4),
    createdMs: reader.uint(8),
    expiresMs: reader.uint(8),
    boxPk: reader.take(KEY_BYTES),
    listVersion: reader.uint(4),
    logSize: reader.uint(8),
    logRoot: reader.take(HASH_BYTES),
  });
}
