// Who takes part in what, and with which keys: fetched, verified against the pins, told to the person.
// The server says who is a member; who can read is decided here. What does not hold is never pinned or sealed to.

import { type Bytes, hex, same, unhex } from "../bytes";
import { type Reason, Refused } from "../crypto/refusals";
import type { TalkInfo } from "../protocol/answers";
import type { Api } from "../protocol/api";
import { Writes } from "../store/database";
import type { Talk } from "../store/records";
import type { Core } from "./core";
import { Fault } from "./errors";
import { ForeignOwnList, ListsMissing } from "./pins";
import type { Alarm } from "./values";

const ALARMS: Partial<Record<Reason, Alarm>> = {
  rollback: "rollback",
  key_fell: "rollback",
  list_fork: "fork",
  key_fork: "fork",
};
const NOBODY: Bytes = new Uint8Array(0);

/** Drives the pins. `fresh` conversations (hex) were read on this connection and not changed since. */
export class Directory {
  readonly #core: Core;
  readonly #api: Api;
  readonly #fresh = new Set<string>();
  readonly #alarmed = new Set<string>();

  constructor(core: Core, api: Api) {
    this.#core = core;
    this.#api = api;
  }

  // What is known

  talk(scope: Bytes): Talk {
    const talk = this.#core.talk(scope);
    if (!talk) throw new Fault("unknown_conversation");
    return talk;
  }

  /** The accounts that take part now. */
  present(scope: Bytes): Bytes[] {
    const people = this.#core.talk(scope)?.people ?? [];
    return people.filter((person) => person.present).map((person) => person.account);
  }

  /** The accounts that take part or took part. */
  ever(scope: Bytes): Bytes[] {
    return (this.#core.talk(scope)?.people ?? []).map((person) => person.account);
  }

  /** Accounts that the person must approve before anything is sealed to them. */
  unseen(scope: Bytes): Bytes[] {
    const { approved } = this.talk(scope);
    const seen = (account: Bytes) => approved.some((other) => same(other, account));
    return this.present(scope).filter((account) => !seen(account) || !this.#core.pins.approved(account));
  }

  // Fetching

  /** A new connection: nothing that was read before is taken as fresh. */
  stale(): void {
    this.#fresh.clear();
    this.#alarmed.clear();
  }

  /** What is known of that conversation did not do. */
  staleScope(scope: Bytes): void {
    this.#fresh.delete(hex(scope));
  }

  /** Something about that account changed. */
  staleAccount(account: Bytes): void {
    for (const [scope, talk] of this.#core.talks)
      if (talk.people.some((person) => same(person.account, account))) this.#fresh.delete(scope);
  }

  /** Read the conversations of this account. */
  async refresh(): Promise<void> {
    const infos = await this.#api.conversations();
    const writes = new Writes();
    for (const info of infos) this.#takeTalk(writes, info);
    const listed = new Set(infos.map((info) => hex(info.conversation)));
    for (const [scope, talk] of this.#core.talks)
      if (!listed.has(scope) && talk.member)
        this.#core.keepTalk(writes, unhex(scope), { ...talk, member: false });
    await this.#core.saved(writes);
  }

  /** Read the members, lists and bundles of a conversation again. */
  async renew(scope: Bytes): Promise<void> {
    this.#fresh.delete(hex(scope));
    await this.refresh();
    if (this.#core.talk(scope)) await this.ensure(scope);
  }

  /** Have the lists and bundles of a conversation, read on this connection. */
  async ensure(scope: Bytes): Promise<void> {
    if (this.#fresh.has(hex(scope))) return;
    if (!this.#core.talk(scope)) await this.refresh();
    this.#fresh.add(hex(scope));
    try {
      const found = await this.#api.bundles(scope);
      const lists = found.lists.map((entry) => [entry.account, entry.list] as const);
      await this.mend(
        lists,
        found.bundles.map((entry) => entry.bundle),
      );
      await this.#pinFormer(scope);
    } catch (error) {
      this.#fresh.delete(hex(scope));
      throw error;
    }
  }

  /** Former members are pinned too, for what they said while they took part. */
  async #pinFormer(scope: Bytes): Promise<void> {
    const present = this.present(scope);
    const former = this.ever(scope).filter((account) => !present.some((other) => same(other, account)));
    for (const account of former) if (!this.#core.pins.version(account)) await this.fetchLists(account);
    await this.#core.saved();
  }

  /** Take every version above the pinned one, in order. */
  async fetchLists(account: Bytes): Promise<void> {
    const after = this.#core.pins.version(account);
    for (const raw of await this.#api.lists(account, after)) if (!this.#takeList(account, raw)) return;
  }

  /** Take the signed statements of a refusal; fetch what lies between them and the pins. */
  async mend(lists: readonly (readonly [Bytes, Bytes])[], bundles: readonly Bytes[]): Promise<void> {
    for (const [account, raw] of lists) {
      try {
        this.#verifiedList(account, raw);
      } catch (error) {
        if (!(error instanceof ListsMissing)) throw error;
        await this.fetchLists(account);
      }
    }
    this.takeBundles(bundles);
    await this.#core.saved();
  }

  /** The server takes these for the members that have devices: read the members again if that is news. */
  async reconcile(scope: Bytes, listed: readonly Bytes[]): Promise<void> {
    const known = this.present(scope).filter((account) => this.#core.pins.version(account));
    const agree = known.map(hex).sort().join() === listed.map(hex).sort().join();
    if (!agree) await this.refresh();
  }

  // Taking

  /** Pin those that hold; say aloud which do not. */
  takeBundles(bundles: readonly Bytes[]): void {
    for (const raw of bundles) {
      try {
        this.#core.pins.takeBundle(raw);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.#alarm(ALARMS[error.reason] ?? "forged", NOBODY);
      }
    }
  }

  #takeList(account: Bytes, raw: Bytes): boolean {
    try {
      return this.#verifiedList(account, raw);
    } catch (error) {
      if (!(error instanceof ListsMissing)) throw error;
      this.#alarm("forged", account);
      return false;
    }
  }

  #verifiedList(account: Bytes, raw: Bytes): boolean {
    try {
      for (const alarm of this.#core.pins.takeList(account, raw)) this.#contact(alarm, account);
      return true;
    } catch (error) {
      if (error instanceof ForeignOwnList) this.#alarm("own_list", account);
      else if (error instanceof Refused) this.#alarm(ALARMS[error.reason] ?? "forged", account);
      else throw error;
      return false;
    }
  }

  /** Once for each connection is enough to be seen. */
  #alarm(alarm: Alarm, account: Bytes): void {
    const key = `${alarm}/${hex(account)}`;
    if (this.#alarmed.has(key)) return;
    this.#alarmed.add(key);
    this.#contact(alarm, account);
  }

  #contact(alarm: Alarm, account: Bytes, conversation: Bytes = NOBODY): void {
    this.#core.tell({ event: "contact", alarm, account, conversation });
    this.#core.tell({ event: "talks" });
  }

  /** The members by the operator's word. Those seen at first sight are seen; later ones wait for the person. */
  #takeTalk(writes: Writes, info: TalkInfo): void {
    const { conversation: scope, purpose, members: people } = info;
    const before = this.#core.talk(scope);
    const present = people.filter((person) => person.present).map((person) => person.account);
    if (!before) {
      const fresh = { member: true, read: [], readBy: [], unread: 0 };
      this.#core.keepTalk(writes, scope, { ...fresh, purpose, people, approved: present });
      return;
    }
    if (before.member && before.purpose === purpose && samePeople(before, info)) return;
    const left = this.present(scope);
    this.#core.keepTalk(writes, scope, { ...before, people, purpose, member: true });
    this.#fresh.delete(hex(scope));
    this.#tellMembers(scope, left, present);
  }

  #tellMembers(scope: Bytes, before: Bytes[], after: Bytes[]): void {
    const missing = (from: Bytes[], what: Bytes) => !from.some((other) => same(other, what));
    for (const account of after) if (missing(before, account)) this.#contact("member_added", account, scope);
    for (const account of before)
      if (missing(after, account)) this.#contact("member_removed", account, scope);
  }

  // The person's word

  /** The person accepts exactly those whom they were shown. Returns those who must be verified instead. */
  async approve(scope: Bytes, shown: readonly { account: Bytes; identity: Bytes }[]): Promise<Bytes[]> {
    const talk = this.talk(scope);
    const left = shown.filter((one) => !this.#core.pins.approve(one.account, one.identity));
    const known = talk.approved.filter((account) => !shown.some((one) => same(one.account, account)));
    const writes = new Writes();
    const approved = [...known, ...shown.map((one) => one.account)];
    this.#core.keepTalk(writes, scope, { ...talk, approved });
    await this.#core.saved(writes);
    return left.map((one) => one.account);
  }
}

/** Whether the operator says of everybody what was known. */
function samePeople(talk: Talk, info: TalkInfo): boolean {
  const said = (people: Talk["people"]) =>
    people.map((one) => `${hex(one.account)} ${one.present} ${one.role} ${one.alias}`).join("\n");
  return said(talk.people) === said(info.members);
}
