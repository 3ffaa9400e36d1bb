// The device list: one signed, versioned, hash-chained statement of all devices of an account (CRYPTO section 2).
// On the wire: body || signature 64, and after them the old identity's signature over the same body, 64 bytes, when
// the identity changed without a reset.

import { type Bytes, compare, concat, same } from "../bytes";
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
} from "./fields";
import { deviceId, H, requireSigningKey, type Statement, verify } from "./labels";
import { require } from "./refusals";
import type { IdentityKey } from "./signing";

export const MAX_DEVICES = 6;
const LIST_VERSION_BYTE = 1;

/** One device of a list: its Ed25519 key, whether it may add others, when it was added. */
export interface Device {
  readonly devicePk: Bytes;
  readonly mayAdd: boolean;
  readonly addedMs: number;
}

/** What a list says, before its rules were looked at. */
export interface ListFields {
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly version: number;
  readonly prevHash: Bytes;
  readonly identityPk: Bytes;
  readonly issuedMs: number;
  readonly reset: boolean;
  readonly devices: readonly Device[];
}

/** All devices of one account at one version. Made by `deviceList` alone, which keeps its rules. */
export interface DeviceList extends ListFields, Statement {
  readonly listHash: Bytes;
}

/** A list whose own identity signed it; `oldSignature` is still unchecked until `requireFollows`. */
export interface SignedList {
  readonly body: DeviceList;
  readonly signature: Bytes;
  readonly oldSignature: Bytes;
}

/** A list that keeps every rule, with its bytes and hash. */
export function deviceList(fields: ListFields): DeviceList {
  const { devices } = fields;
  require(devices.length >= 1 && devices.length <= MAX_DEVICES, "device_count");
  requireSigningKey(fields.identityPk);
  for (const device of devices) requireSigningKey(device.devicePk);
  const ascending = devices.every(
    (device, at) => at === 0 || compare(keyAt(devices, at - 1), device.devicePk) < 0,
  );
  require(ascending, "unsorted");
  requireStart(fields);
  const struct = encode(fields);
  return { ...fields, label: "sotto/v1/list", struct, listHash: H("sotto/v1/list-hash", struct) };
}

const keyAt = (devices: readonly Device[], at: number): Bytes => devices[at]?.devicePk ?? ZERO_HASH;

/** The first list follows nothing; a later one follows something. */
function requireStart(fields: ListFields): void {
  require(fields.version >= 1, "number_range");
  const first = fields.version === 1;
  require(first === same(fields.prevHash, ZERO_HASH), "broken_chain");
  require(!(first && fields.reset), "empty_reset");
}

/** The body, 111 + 41 n bytes: everything that is hashed and signed. */
function encode(fields: ListFields): Bytes {
  return concat(
    u8(LIST_VERSION_BYTE),
    fixed(fields.tenant, ID_BYTES),
    fixed(fields.account, ID_BYTES),
    u32(fields.version),
    fixed(fields.prevHash, HASH_BYTES),
    fields.identityPk,
    u64(fields.issuedMs),
    u8(fields.reset ? 1 : 0),
    u8(fields.devices.length),
    ...fields.devices.map((device) =>
      concat(device.devicePk, u8(device.mayAdd ? 1 : 0), u64(device.addedMs)),
    ),
  );
}

/** The device with this id, if the list has it. */
export function deviceOf(list: DeviceList, id: Bytes): Device | undefined {
  return list.devices.find((device) => same(deviceId(device.devicePk), id));
}

/** The wire form of a list. `old` is the identity before it, when that changed without a reset. */
export function signList(body: DeviceList, identity: IdentityKey, old?: IdentityKey): Bytes {
  require(same(identity.public, body.identityPk), "wrong_signer");
  return concat(body.struct, identity.sign(body), ...(old ? [old.sign(body)] : []));
}

/** A list and its own identity's signature, checked; what came before it is not looked at. */
export function parseList(raw: Bytes): SignedList {
  const reader = new Reader(raw);
  require(reader.uint(1) === LIST_VERSION_BYTE, "bad_version");
  const body = readBody(reader);
  const signature = reader.take(SIGNATURE_BYTES);
  const oldSignature = reader.rest();
  require(oldSignature.length === 0 || oldSignature.length === SIGNATURE_BYTES, "bad_length");
  verify(body, signature, body.identityPk);
  return { body, signature, oldSignature };
}

/** A list that this account may publish now: it continues `previous`, or is version 1 if there is none. */
export function verifyList(raw: Bytes, tenant: Bytes, account: Bytes, previous?: DeviceList): SignedList {
  const signed = parseList(raw);
  const { body } = signed;
  const own = same(
    concat(body.tenant, body.account),
    concat(fixed(tenant, ID_BYTES), fixed(account, ID_BYTES)),
  );
  require(own, "wrong_account");
  if (previous) {
    requireFollows(signed, previous);
    return signed;
  }
  require(body.version === 1, "broken_chain");
  require(signed.oldSignature.length === 0, "extra_signature");
  return signed;
}

/** Refuse unless the list is the next of the same account and the old identity let go of it. */
export function requireFollows(signed: SignedList, previous: DeviceList): void {
  const { body } = signed;
  require(same(body.tenant, previous.tenant) && same(body.account, previous.account), "wrong_account");
  require(body.version === previous.version + 1, "broken_chain");
  require(same(body.prevHash, previous.listHash), "broken_chain");
  requireHandover(signed, previous);
}

/** A changed identity needs the old one's signature, or a reset that everybody will see. */
function requireHandover(signed: SignedList, previous: DeviceList): void {
  const { body, oldSignature } = signed;
  const changed = !same(body.identityPk, previous.identityPk);
  require(changed || !body.reset, "empty_reset");
  if (!changed || body.reset) {
    require(oldSignature.length === 0, "extra_signature");
    return;
  }
  require(oldSignature.length > 0, "identity_changed");
  verify(body, oldSignature, previous.identityPk);
}

function readBody(reader: Reader): DeviceList {
  return deviceList({
    tenant: reader.take(ID_BYTES),
    account: reader.take(ID_BYTES),
    version: reader.uint(4),
    prevHash: reader.take(HASH_BYTES),
    identityPk: reader.take(KEY_BYTES),
    issuedMs: reader.uint(8),
    reset: readFlag(reader),
    devices: Array.from({ length: reader.uint(1) }, () => readDevice(reader)),
  });
}

const readDevice = (reader: Reader): Device => ({
  devicePk: reader.take(KEY_BYTES),
  mayAdd: readFlag(reader),
  addedMs: reader.uint(8),
});

/** One byte of flags of which only bit 0 has a meaning. */
function readFlag(reader: Reader): boolean {
  const flags = reader.uint(1);
  require(flags <= 1, "bad_flags");
  return flags === 1;
}
