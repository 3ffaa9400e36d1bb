// What is kept in memory of the local state, as it stands when the state is opened. Keys of the maps are hex.

import { type Bytes, decodeText, hex } from "../bytes";
import { Fault } from "../client/errors";
import type { Gap } from "../client/values";
import { type Database, Writes } from "./database";
import {
  type BoxSecret,
  type Chain,
  type Contact,
  type Counters,
  NO_COUNTERS,
  type OpenedRecord,
  type Outgoing,
  type PinnedBundle,
  type Profile,
  STORE,
  type StoreName,
  type Talk,
  unpack,
} from "./records";

/** Each part goes to the machine that owns it. */
export interface Loaded {
  readonly profile: Profile;
  readonly counters: Counters;
  readonly lists: Bytes[];
  readonly contacts: Map<string, Contact>;
  readonly bundles: Map<string, PinnedBundle>;
  readonly talks: Map<string, Talk>;
  readonly boxKeys: BoxSecret[];
  readonly queue: Outgoing[];
  readonly chains: Map<string, Chain>;
  readonly streams: Map<string, Bytes>;
  readonly gaps: Map<string, Gap>;
  readonly drafts: Map<string, string>;
  readonly unreadable: number;
}

export async function load(database: Database): Promise<Loaded> {
  const raw = async (store: StoreName) =>
    new Map((await database.all(store)).map(([key, value]) => [hex(key), value]));
  const records = async <R>(store: StoreName) =>
    new Map([...(await raw(store))].map(([key, value]) => [key, unpack<R>(value)]));
  const profile = (await records<Profile>(STORE.PROFILE)).get("");
  if (!profile) throw new Fault("state_damaged");
  const drafts = [...(await raw(STORE.DRAFT))].map(([key, value]) => [key, decodeText(value)] as const);
  return {
    profile,
    counters: (await records<Counters>(STORE.COUNTERS)).get("") ?? NO_COUNTERS,
    lists: [...(await raw(STORE.LIST)).values()],
    contacts: await records(STORE.CONTACT),
    bundles: await records(STORE.BUNDLE),
    talks: await records(STORE.CONVERSATION),
    boxKeys: [...(await records<BoxSecret>(STORE.BOX_KEY)).values()],
    queue: [...(await records<Outgoing>(STORE.QUEUE)).values()],
    chains: await records(STORE.CHAIN),
    streams: await raw(STORE.STREAM),
    gaps: await records(STORE.GAP),
    drafts: new Map(drafts),
    unreadable: (await raw(STORE.UNREADABLE)).size,
  };
}

/** Forget which sends were opened before that time: their boxes expired long ago. */
export async function forgetOpened(database: Database, beforeMs: number): Promise<void> {
  const writes = new Writes();
  for (const [key, value] of await database.all(STORE.OPENED))
    if (unpack<OpenedRecord>(value).acceptedAt < beforeMs) writes.drop(STORE.OPENED, key);
  await database.submit(writes);
}
