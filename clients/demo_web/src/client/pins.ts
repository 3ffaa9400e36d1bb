// What this device holds fast about accounts: verified lists, newest bundles, approval (CRYPTO sections 2 and 3).
//
// A value machine without clock, socket or disk. Nothing gets in here but what is signed and continues what was
// pinned: a rollback, a fork, a foreign signature or an unsigned device throws `Refused`, changes nothing, and is
// never sealed to. Whoever drives the machine persists `takeChanges()` after each call, in one transaction.

import { type Bytes, compare, concat, hex, same } from "../bytes";
import { type Bundle, parseBundle, requireSignedIn, USE } from "../crypto/bundles";
import { u32, ZERO_ID } from "../crypto/fields";
import { deviceId } from "../crypto/labels";
import { type DeviceList, deviceOf, parseList, verifyList } from "../crypto/lists";
import { type Lists, pinKey, type View } from "../crypto/opening";
import { type KeyPin, keyFell, requireNoRollback, requireSoleOwner } from "../crypto/pins";
import { Refused } from "../crypto/refusals";
import { fingerprint, safetyNumber } from "../crypto/safety";
import { membersHash } from "../crypto/scopes";
import type { Recipient } from "../crypto/sealing";
import { type Contact, NO_CONTACT, NOTHING, type PinnedBundle } from "../store/records";
import type { Alarm } from "./values";

/** The list is not the next one: fetch the versions above `after` and take them in order. */
export class ListsMissing extends Error {}

/** A list of the own account that this device did not make. It is never sealed to; the person is alarmed. */
export class ForeignOwnList extends Error {}

/** What to persist: signed lists as they came with their key (account || version); contacts; bundles by device. */
export interface PinChanges {
  readonly lists: { readonly key: Bytes; readonly raw: Bytes }[];
  readonly contacts: Map<string, Contact>;
  readonly bundles: Map<string, PinnedBundle>;
}

export interface PinsGiven {
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly devicePk: Bytes;
  readonly lists?: Iterable<Bytes>;
  readonly contacts?: Map<string, Contact>;
  readonly bundles?: Map<string, PinnedBundle>;
}

/** Owns every pin, the own account's included. The device is this one. Keys of the maps are hex ids. */
export class Pins {
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly device: Bytes;
  readonly #devicePk: Bytes;
  readonly #lists = new Map<string, Map<number, DeviceList>>();
  readonly #contacts: Map<string, Contact>;
  readonly #raw: Map<string, PinnedBundle>;
  readonly #bundles = new Map<string, Bundle>();
  readonly #owners = new Map<string, Bytes>();
  readonly #ownRaw = new Map<number, Bytes>();
  #changes = noChanges();

  constructor(given: PinsGiven) {
    this.tenant = given.tenant;
    this.account = given.account;
    this.#devicePk = given.devicePk;
    this.device = deviceId(given.devicePk);
    this.#contacts = given.contacts ?? new Map();
    this.#raw = given.bundles ?? new Map();
    for (const pinned of this.#raw.values()) this.#know(parseBundle(pinned.raw));
    for (const raw of given.lists ?? []) this.#keep(parseList(raw).body, raw);
  }

  /** What changed since the last call. */
  takeChanges(): PinChanges {
    const changes = this.#changes;
    this.#changes = noChanges();
    return changes;
  }

  // Lists

  /** The newest pinned list of an account. */
  newest(account: Bytes): DeviceList | undefined {
    const versions = this.lists(account);
    return versions.size ? versions.get(Math.max(...versions.keys())) : undefined;
  }

  /** Its version; zero before the first pin. */
  version(account: Bytes): number {
    return this.newest(account)?.version ?? 0;
  }

  /** Every pinned list of an account by version. */
  lists(account: Bytes): Lists {
    return this.#lists.get(hex(account)) ?? new Map();
  }

  /** Pin a list that is the next one, or change nothing if it is the pinned one. */
  takeList(account: Bytes, raw: Bytes): Alarm[] {
    const before = this.newest(account);
    const { body } = parseList(raw);
    if (before && same(body.account, account)) {
      requireNoRollback(before, body);
      if (body.version === before.version) return [];
    }
    if (same(account, this.account)) throw new ForeignOwnList();
    if (same(body.account, account) && body.version > (before?.version ?? 0) + 1) throw new ListsMissing();
    verifyList(raw, this.tenant, account, before);
    return this.#pinList(body, raw, before);
  }

  /** A list of the own account as it was signed. */
  rawOwn(version: number): Bytes {
    return this.#ownRaw.get(version) ?? NOTHING;
  }

  /** Let go of a first list that was never published. */
  beginAgain(): void {
    this.#lists.delete(hex(this.account));
    this.#ownRaw.clear();
  }

  /** Pin a list that this device made itself. */
  takeOwnList(raw: Bytes): void {
    const before = this.newest(this.account);
    this.#pinList(verifyList(raw, this.tenant, this.account, before).body, raw, before);
  }

  #pinList(body: DeviceList, raw: Bytes, before: DeviceList | undefined): Alarm[] {
    this.#keep(body, raw);
    this.#changes.lists.push({ key: concat(body.account, u32(body.version)), raw });
    if (!before) {
      this.#change(body.account, { approved: body.identityPk });
      return ["pinned"];
    }
    const [old, now] = [idsOf(before), idsOf(body)];
    const left = [...this.contact(body.account).leaving, ...without(old, now)];
    this.#change(body.account, { leaving: without(left, now) });
    return alarms(before, body, old, now);
  }

  #keep(body: DeviceList, raw: Bytes): void {
    const versions = this.#lists.get(hex(body.account)) ?? new Map<number, DeviceList>();
    this.#lists.set(hex(body.account), versions.set(body.version, body));
    if (same(body.account, this.account)) this.#ownRaw.set(body.version, raw);
  }

  // Contacts

  /** What is held beside the lists. */
  contact(account: Bytes): Contact {
    return this.#contacts.get(hex(account)) ?? NO_CONTACT;
  }

  /** Whether the newest identity is one that the person accepted; without a list there is none to accept. */
  approved(account: Bytes): boolean {
    const newest = this.newest(account);
    return !newest || same(this.contact(account).approved, newest.identityPk);
  }

  /** Whether the safety number of the newest identity was compared. */
  verified(account: Bytes): boolean {
    const newest = this.newest(account);
    return newest !== undefined && same(this.contact(account).verified, newest.identityPk);
  }

  /** Whether an earlier identity was verified: then the newest one must be, too (CRYPTO section 9). */
  mustVerify(account: Bytes): boolean {
    return this.contact(account).verified.length > 0 && !this.verified(account);
  }

  /** The person accepts this identity; false where it must be verified, or is not the newest any more. */
  approve(account: Bytes, identityPk: Bytes): boolean {
    const newest = this.newest(account);
    if (newest && same(newest.identityPk, identityPk) && !this.mustVerify(account))
      this.#change(account, { approved: newest.identityPk });
    return this.approved(account);
  }

  /** The person compared the safety number of the newest identity, or takes that back. */
  verify(account: Bytes, holds: boolean): void {
    const newest = this.newest(account);
    if (!newest) return;
    const key = newest.identityPk;
    this.#change(account, holds ? { verified: key, approved: key } : { verified: NOTHING });
  }

  /** The 60 digits that both sides see, if both have an identity (CRYPTO section 9). */
  safety(account: Bytes): string | undefined {
    const sides = [this.newest(this.account), this.newest(account)];
    const [own, other] = sides.map((list) => list && fingerprint(this.tenant, list.account, list.identityPk));
    return own && other ? safetyNumber(own, other) : undefined;
  }

  /** Everything sent before was opened: removed devices have said their last word. */
  current(): void {
    for (const [account, contact] of this.#contacts)
      if (contact.leaving.length) this.#put(account, { ...contact, leaving: [] });
  }

  #change(account: Bytes, changes: Partial<Contact>): void {
    this.#put(hex(account), { ...this.contact(account), ...changes });
  }

  #put(account: string, contact: Contact): void {
    this.#contacts.set(account, contact);
    this.#changes.contacts.set(account, contact);
  }

  // Bundles

  /** Pin a bundle newer than the pinned one of its device; false if it is the same or this device's own. */
  takeBundle(raw: Bytes): boolean {
    const bundle = parseBundle(raw);
    const id = bundle.body.deviceId;
    const known = this.#raw.get(hex(id));
    if (same(id, this.device) || (known && same(known.raw, raw))) return false;
    const account = this.#accountOf(id);
    const under = this.lists(account).get(bundle.body.listVersion);
    if (!under) throw new Refused("list_unknown");
    requireSignedIn(bundle, under);
    requireSoleOwner(this.#owners.get(hex(bundle.body.boxPk)), bundle.body);
    if (keyFell(this.#keyPin(hex(id)), bundle.body)) throw new Refused("key_fell");
    this.#know(bundle);
    this.#raw.set(hex(id), { account, raw });
    this.#changes.bundles.set(hex(id), { account, raw });
    return true;
  }

  #know(bundle: Bundle): void {
    this.#bundles.set(hex(bundle.body.deviceId), bundle);
    this.#owners.set(hex(bundle.body.boxPk), bundle.body.deviceId);
  }

  #keyPin(device: string): KeyPin | undefined {
    return this.#bundles.get(device)?.body;
  }

  /** The account whose newest list names the device. */
  #accountOf(device: Bytes): Bytes {
    for (const versions of this.#lists.values()) {
      const newest = versions.get(Math.max(...versions.keys()));
      if (newest && deviceOf(newest, device)) return newest.account;
    }
    throw new Refused("unknown_sender");
  }

  // What sealing and opening are told

  /** The exact device set: all devices of these accounts but this one, the dormant left out. */
  recipients(accounts: readonly Bytes[], nowMs: number): Recipient[] {
    return accounts.toSorted(compare).flatMap((account) => {
      const pinnedList = this.newest(account);
      const ids = pinnedList ? without(idsOf(pinnedList), [this.device]) : [];
      const bundles = ids.map((id) => this.#bundles.get(hex(id)));
      return bundles.flatMap((bundle) =>
        pinnedList && bundle && nowMs < bundle.body.expiresMs ? [{ pinnedList, bundle }] : [],
      );
    });
  }

  /** The members hash of those who have an identity. */
  members(scope: Bytes, accounts: readonly Bytes[]): Bytes {
    const lists = accounts.flatMap((account) => this.newest(account) ?? []);
    return membersHash(
      scope,
      lists.map((list) => [list.account, list.identityPk] as const),
    );
  }

  /** Whose device this is among these accounts, if it may still speak. */
  sender(device: Bytes, accounts: readonly Bytes[]): Bytes | undefined {
    return accounts.find((account) => this.#speakers(account).some((id) => same(id, device)));
  }

  /** What `openBox` is given for one conversation: nothing of it comes from the message. */
  view(scope: Bytes, present: readonly Bytes[], ever: readonly Bytes[], ownKeys: Map<string, Bytes>): View {
    const speakers = ever.flatMap((account) => this.#speakers(account).map((id) => [id, account] as const));
    const pins = speakers.flatMap(([id]) => {
      const pin = this.#keyPin(hex(id));
      return pin ? [[pinKey(id, USE.MAIL, ZERO_ID), pin] as const] : [];
    });
    return {
      devicePk: this.#devicePk,
      ownLists: this.lists(this.account),
      senders: new Map(speakers.map(([id, account]) => [hex(id), this.lists(account)])),
      members: this.members(scope, present),
      keyPins: new Map(pins),
      keyOwners: (boxPk) => this.#owners.get(boxPk) ?? ownKeys.get(boxPk),
    };
  }

  #speakers(account: Bytes): Bytes[] {
    const newest = this.newest(account);
    if (!newest) return [];
    return without([...idsOf(newest), ...this.contact(account).leaving], [this.device]);
  }
}

const noChanges = (): PinChanges => ({ lists: [], contacts: new Map(), bundles: new Map() });

const idsOf = (list: DeviceList): Bytes[] => list.devices.map((device) => deviceId(device.devicePk));

const without = (ids: readonly Bytes[], others: readonly Bytes[]): Bytes[] =>
  ids.filter((id) => !others.some((other) => same(id, other)));

function alarms(before: DeviceList, after: DeviceList, old: Bytes[], now: Bytes[]): Alarm[] {
  const found: Alarm[] = [];
  if (!same(before.identityPk, after.identityPk)) found.push("identity_changed");
  if (without(now, old).length) found.push("device_added");
  if (without(old, now).length) found.push("device_removed");
  return found;
}
