// Becoming somebody and signing in: the server sees the first half of what the password derives to (CRYPTO section 8).
//
// The steps can be repeated from any point: an account without a device is finished by signing in, and a device whose
// registration got no answer is registered again with the very same list.

import { type Bytes, systemRandom } from "../bytes";
import { KEY_BYTES, ZERO_HASH } from "../crypto/fields";
import { deviceList, signList } from "../crypto/lists";
import { DeviceKey, IdentityKey } from "../crypto/signing";
import { type Derived, derive, SALT_BYTES, wrapVaultKey } from "../crypto/vault";
import type { Session } from "../protocol/answers";
import type { Api } from "../protocol/api";
import { Database, type Head, Writes } from "../store/database";
import { NO_COUNTERS, NOTHING, type Profile, STORE } from "../store/records";
import type { Core } from "./core";
import { Fault } from "./errors";

const DEVICE_NAME = "browser";
const NO_KEY: Bytes = new Uint8Array(0);

/** Who signed in, and what their password derives to. */
export interface SignedIn {
  readonly session: Session;
  readonly derived: Derived;
  readonly salt: Bytes;
}

/** Use an invitation, and sign in. */
export async function join(api: Api, code: string, name: string, password: string): Promise<SignedIn> {
  const salt = systemRandom(SALT_BYTES);
  const derived = await derive(password, salt);
  await api.join(code, name, salt, derived.login);
  return { session: await api.signIn(name, derived.login, NOTHING), derived, salt };
}

/** A session for a name and its password. */
export async function signIn(api: Api, name: string, password: string, place: Bytes): Promise<SignedIn> {
  const salt = await api.salt(name);
  const derived = await derive(password, salt);
  return { session: await api.signIn(name, derived.login, place), derived, salt };
}

/** A local state, and the key that opens it. */
export interface Founded {
  readonly database: Database;
  readonly head: Head;
  readonly vaultKey: Bytes;
}

/**
 * The local state of an account's first device, with its secrets made and durable; nothing of it is published yet.
 *
 * An account that has a device elsewhere is turned away with `linking_needed`: linking begins here.
 */
export async function found(api: Api, person: string, name: string, signedIn: SignedIn): Promise<Founded> {
  const [me, server] = await Promise.all([api.me(), api.server()]);
  if (me.listVersion || me.devices) throw new Fault("linking_needed");
  const { session, derived, salt } = signedIn;
  const owner = { tenant: server.tenant, account: me.account };
  const profile: Profile = {
    ...owner,
    name,
    role: me.role,
    alias: me.alias,
    organisation: server.name,
    deviceName: DEVICE_NAME,
    identitySeed: systemRandom(KEY_BYTES),
    deviceSeed: systemRandom(KEY_BYTES),
    token: session.token,
    place: session.place,
    sessionEndsAt: session.endsAt,
    registered: false,
    epoch: server.epoch,
    clockOffsetMs: 0,
    typing: true,
    readMarks: true,
  };
  const vaultKey = systemRandom(KEY_BYTES);
  const head: Head = { ...owner, salt, wrapped: wrapVaultKey(vaultKey, derived.wrap, owner) };
  const writes = new Writes();
  writes.put(STORE.PROFILE, NO_KEY, profile);
  writes.put(STORE.COUNTERS, NO_KEY, NO_COUNTERS);
  return { database: await Database.create(person, head, vaultKey, writes), head, vaultKey };
}

/** Register this device as the account's first, with list version 1. A repeat is no fault. */
export async function register(core: Core, api: Api): Promise<void> {
  if (core.profile.registered) return;
  try {
    await publish(core, api);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "clock_wrong") throw error;
    core.pins.beginAgain(); // it was signed long ago and nobody has seen it: date it anew
    await publish(core, api);
  }
  const writes = new Writes();
  core.keepProfile(writes, { registered: true });
  await core.saved(writes);
}

async function publish(core: Core, api: Api): Promise<void> {
  const { tenant, account, identitySeed, deviceSeed, deviceName } = core.profile;
  const key = new DeviceKey(deviceSeed);
  if (!core.pins.version(account)) {
    core.pins.takeOwnList(firstList(core, new IdentityKey(identitySeed), key));
    await core.saved();
  }
  await api.register({ tenant, account, key }, deviceName, core.pins.rawOwn(1));
}

function firstList(core: Core, identity: IdentityKey, device: DeviceKey): Bytes {
  const now = core.nowMs();
  const body = deviceList({
    tenant: core.profile.tenant,
    account: core.profile.account,
    version: 1,
    prevHash: ZERO_HASH,
    identityPk: identity.public,
    issuedMs: now,
    reset: false,
    devices: [{ devicePk: device.public, mayAdd: true, addedMs: now }],
  });
  return signList(body, identity);
}
