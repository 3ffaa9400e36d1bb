// What the page is shown of a client's memory.

import { type Bytes, decodeText, hex, same, unhex } from "../bytes";
import type { Client } from "../client/client";
import type { Core } from "../client/core";
import type { Entry } from "../client/values";
import type { Person, Talk } from "../store/records";
import type { EntryView, MemberView, SelfView, TalkView } from "./contract";

export function selfView(core: Core, person: string, remembered: boolean): SelfView {
  const { account, alias, role, organisation } = core.profile;
  return { person, account: hex(account), alias, role, organisation, remembered };
}

export function entryView(core: Core, entry: Entry): EntryView {
  const conversation = hex(entry.conversation);
  const { place } = entry;
  const sender = hex(entry.sender);
  if (entry.type === "gap") return { type: "gap", conversation, place, sender, missing: entry.missing };
  const { sentAt, seq, outgoing, stage, refusal, notes, unapproved } = entry;
  const text = decodeText(entry.body);
  const thisDevice = same(entry.device, core.pins.device);
  const said = { text, sentAt, seq, outgoing, thisDevice, stage, refusal, notes, unapproved };
  return { type: "message", conversation, place, sender, ...said };
}

/** The conversations, the one with the newest message first. */
export function talkViews(client: Client, last: ReadonlyMap<string, EntryView>): TalkView[] {
  const views = [...client.core.talks].map(([id, talk]) => talkView(client, id, talk, last.get(id)));
  return views.sort((one, other) => (other.last?.place ?? 0) - (one.last?.place ?? 0));
}

function talkView(client: Client, id: string, talk: Talk, last: EntryView | undefined): TalkView {
  const present = talk.people.filter((person) => person.present);
  return {
    id,
    purpose: talk.purpose,
    member: talk.member,
    people: present.map((person) => memberView(client.core, talk, person)),
    blocked: client.directory.unseen(unhex(id)).length > 0,
    unread: talk.unread,
    last,
    readSeq: Math.max(0, ...talk.readBy.map((one) => one.seq)),
  };
}

function memberView(core: Core, talk: Talk, person: Person): MemberView {
  const { account, alias, role } = person;
  const newest = core.pins.newest(account);
  return {
    account: hex(account),
    alias,
    role,
    own: same(account, core.profile.account),
    devices: newest?.devices.length ?? 0,
    verified: core.pins.verified(account),
    mustVerify: core.pins.mustVerify(account),
    approved: talk.approved.some((other) => same(other, account)) && core.pins.approved(account),
    identity: newest ? hex(newest.identityPk) : "",
  };
}

/** How the operator names an account, wherever it takes part. */
export function aliasOf(core: Core, account: Bytes): string {
  for (const talk of core.talks.values())
    for (const person of talk.people) if (same(person.account, account)) return person.alias;
  return "";
}
