// What the parts of a running client share: the machines, the state that keeps them, the time, the events.
//
// A part changes machines in one go, without an `await` in between, and then calls `save`: what changed goes to the
// disk as one group, in the order of the calls. What must be durable first waits for the promise of `saved`.

import { type Bytes, hex, type Random, systemRandom, unhex } from "../bytes";
import { u32, u64 } from "../crypto/fields";
import type { DeviceList } from "../crypto/lists";
import { DeviceKey, IdentityKey } from "../crypto/signing";
import { type Database, Writes } from "../store/database";
import { placeKey } from "../store/history";
import type { Loaded } from "../store/loading";
import {
  type Counters,
  type Outgoing,
  type Profile,
  STORE,
  type StoreName,
  type Talk,
} from "../store/records";
import type { Clock } from "./clock";
import { Fault } from "./errors";
import { KeyRing } from "./keys";
import { Outbox } from "./outbox";
import { Pins } from "./pins";
import { PLACE_STEP, Streams } from "./streams";
import { FINAL, type Gap, type Message, type Stage, type Tell } from "./values";

const NO_KEY: Bytes = new Uint8Array(0);

/** One client's memory. Each machine owns what it holds; profile, counters, talks and gaps are owned here. */
export class Core {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: Tell;
  readonly pins: Pins;
  readonly outbox: Outbox;
  readonly keys: KeyRing;
  readonly streams: Streams;
  /** By hex scope. */
  readonly talks: Map<string, Talk>;
  readonly gaps: Map<string, Gap>;
  readonly drafts: Map<string, string>;
  readonly device: DeviceKey;
  readonly identity: IdentityKey;
  profile: Profile;
  #counters: Counters;
  #counted: Counters | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(database: Database, loaded: Loaded, clock: Clock, tell: Tell, random: Random = systemRandom) {
    const { profile } = loaded;
    this.database = database;
    this.clock = clock;
    this.random = random;
    this.tell = tell;
    this.profile = profile;
    this.#counters = loaded.counters;
    this.talks = loaded.talks;
    this.gaps = loaded.gaps;
    this.drafts = loaded.drafts;
    this.device = new DeviceKey(profile.deviceSeed);
    this.identity = new IdentityKey(profile.identitySeed);
    const { tenant, account } = profile;
    this.pins = new Pins({ ...loaded, tenant, account, devicePk: this.device.public });
    this.outbox = new Outbox(loaded.queue, loaded.chains, loaded.counters.n);
    this.keys = new KeyRing(loaded.boxKeys);
    this.streams = new Streams(loaded.streams);
  }

  /** The newest list of this account. */
  get ownList(): DeviceList {
    const newest = this.pins.newest(this.profile.account);
    if (!newest) throw new Fault("state_damaged");
    return newest;
  }

  /** Milliseconds since the epoch by the server's clock, as far as it is known. */
  nowMs(): number {
    return this.clock.wallMs() + this.profile.clockOffsetMs;
  }

  /** Put everything that changed, and `writes`, on its way to the disk as one group; resolves when it is durable. */
  saved(writes: Writes = new Writes()): Promise<void> {
    this.#gather(writes);
    if (writes.rows.length) {
      this.#last = this.database.submit(writes);
      this.#last.catch(() => undefined); // `Database` tells of it; who waits is told, too
    }
    return this.#last;
  }

  /** The same for what nobody waits for. */
  save(writes?: Writes): void {
    void this.saved(writes).catch(() => undefined);
  }

  keepProfile(writes: Writes, changes: Partial<Profile>): void {
    this.profile = { ...this.profile, ...changes };
    writes.put(STORE.PROFILE, NO_KEY, this.profile);
  }

  /** The conversation, or undefined where it is not one of this account. */
  talk(scope: Bytes): Talk | undefined {
    return this.talks.get(hex(scope));
  }

  keepTalk(writes: Writes, scope: Bytes, talk: Talk): void {
    this.talks.set(hex(scope), talk);
    writes.put(STORE.CONVERSATION, scope, talk);
    this.tell({ event: "talks" });
  }

  /** A new number for a message in the queue. */
  nextItem(): number {
    this.#counters = { ...this.#counters, item: this.#counters.item + 1 };
    return this.#counters.item;
  }

  /** A new place at the end of the history. */
  nextPlace(): number {
    this.#counters = { ...this.#counters, place: this.#counters.place + PLACE_STEP };
    return this.#counters.place;
  }

  /** A message of the queue as the history shows it. */
  messageOf(item: Outgoing, stage: Stage = item.stage): Message {
    return {
      type: "message",
      conversation: item.scope,
      place: item.place,
      sender: this.profile.account,
      device: this.pins.device,
      kind: item.kind,
      body: item.body,
      sentAt: item.queuedAt,
      acceptedAt: 0,
      seq: item.seq,
      outgoing: true,
      stage,
      refusal: item.refusal,
      notes: [],
      unapproved: false,
    };
  }

  /** Show how far a message of one's own has come. */
  tellStage(item: Outgoing, stage?: Stage): void {
    this.tell({ event: "entry", entry: this.messageOf(item, stage) });
  }

  #gather(group: Writes): void {
    this.#gatherOutbox(group);
    const pins = this.pins.takeChanges();
    for (const { key, raw } of pins.lists) group.put(STORE.LIST, key, raw);
    for (const [key, contact] of pins.contacts) group.put(STORE.CONTACT, unhex(key), contact);
    for (const [key, bundle] of pins.bundles) group.put(STORE.BUNDLE, unhex(key), bundle);
    for (const [keyNo, secret] of this.keys.takeChanges())
      putOrDrop(group, STORE.BOX_KEY, u32(keyNo), secret);
    for (const [key, stream] of this.streams.takeChanges()) group.put(STORE.STREAM, unhex(key), stream);
    if (this.#counters === this.#counted) return;
    this.#counted = this.#counters;
    group.put(STORE.COUNTERS, NO_KEY, this.#counters);
  }

  #gatherOutbox(group: Writes): void {
    const { items, chains } = this.outbox.takeChanges();
    if (this.outbox.n > this.#counters.n) this.#counters = { ...this.#counters, n: this.outbox.n };
    for (const item of items.values()) {
      group.put(STORE.HISTORY, placeKey(item.scope, item.place), this.messageOf(item));
      putOrDrop(group, STORE.QUEUE, u64(item.item), FINAL.has(item.stage) ? undefined : item);
    }
    for (const [scope, head] of chains) group.put(STORE.CHAIN, unhex(scope), head);
  }
}

function putOrDrop(group: Writes, store: StoreName, key: Bytes, record: object | undefined): void {
  if (record) group.put(store, key, record);
  else group.drop(store, key);
}
