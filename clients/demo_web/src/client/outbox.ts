// The sending queue as a value machine (DESIGN section 3). No socket, clock, randomness or disk inside.
//
// A message waits until it gets a number; with the number come seq, prev and the commitment, and all of it is durable
// before its first byte leaves. From then on the same bytes are sealed again at each repeat. A number is given only
// while no number 256 below it lacks an answer. A refused message whose number the server does not know may give it
// back, and then it waits again, so that one conversation that cannot go on never stops the others.

import { type Bytes, hex } from "../bytes";
import { decodeContent } from "../crypto/layers";
import type { Committed } from "../crypto/sealing";
import { type Receipt, type Refused, SEND_WINDOW, type Told } from "../protocol/wire";
import { type Chain, NO_CHAIN, NOTHING, type Outgoing } from "../store/records";
import { Fault } from "./errors";
import { FINAL, type Stage } from "./values";

export const MAX_QUEUED = 10_000;
/** How often a message is sealed again because a device could not open it. */
export const MAX_RESEALS = 3;
/** How often in a row a refused device set or key is mended before the message waits. */
export const MAX_MENDS = 4;

/** What a refusal asks: take its lists and send again; wait; it is final; it is not of this queue any more. */
export type Reaction = "mend" | "hold" | "failed" | "none";

const REACTIONS: Record<string, Reaction> = { wrong_devices: "mend", stale_key: "mend", no_device: "hold" };
/** Refusals decided before anything was written: a number that was not known then never will be. */
const GIVES_BACK = new Set(["wrong_devices", "stale_key", "no_device", "not_member", "bad_box"]);
/** What a receipt alone decides. Of several persons only `fates` tells how all of them stand. */
const MARKS: Record<string, Stage> = { delivered: "delivered", withheld: "withheld" };
const OUTCOMES: readonly (readonly [string, Stage])[] = [
  ["expired", "expired"],
  ["device_removed", "lost"],
  ["unreachable", "lost"],
  ["withheld", "withheld"],
];

/** The commitment to the content of an item under these numbers. */
export type Commit = (item: Outgoing, n: number, seq: number, prev: Bytes) => Committed;

/** What to persist: items in their new form, heads of chains by hex scope, the highest number given. */
export interface OutboxChanges {
  readonly items: Map<number, Outgoing>;
  readonly chains: Map<string, Chain>;
}

/** Owns every message that is not final. `n` is the highest number ever given on this device. */
export class Outbox {
  n: number;
  readonly #items = new Map<number, Outgoing>();
  readonly #unsafe = new Map<number, Outgoing>(); // those that the server has not vouched for
  readonly #byN = new Map<number, number>();
  readonly #chains: Map<string, Chain>;
  readonly #onWire = new Set<number>();
  readonly #free = new Set<number>(); // numbers that the server certainly does not know
  readonly #again = new Set<number>(); // safe, but to be sealed and sent again
  readonly #mends = new Map<number, number>();
  readonly #proven = new Set<string>(); // conversations whose devices the server accepted, on this connection
  readonly #stopped = new Set<string>(); // conversations that wait for a person, a notice or a while
  #changes: OutboxChanges = { items: new Map(), chains: new Map() };

  constructor(items: Iterable<Outgoing>, chains: Map<string, Chain>, n: number) {
    this.n = n;
    this.#chains = chains;
    for (const item of [...items].sort((one, other) => one.item - other.item)) this.#keep(item);
  }

  // What is there

  /** The message that has this number. */
  find(n: number): Outgoing | undefined {
    return this.#items.get(this.#byN.get(n) ?? 0);
  }

  /** The message at this place of the history that the server has not vouched for. */
  at(place: number): Outgoing | undefined {
    return [...this.#unsafe.values()].find((item) => item.place === place);
  }

  /** How many messages the server has not vouched for. */
  unsafe(): number {
    return this.#unsafe.size;
  }

  /** Whether it was sent on this connection and not answered yet. */
  onWire(item: Outgoing): boolean {
    return this.#onWire.has(item.n);
  }

  takeChanges(): OutboxChanges {
    const changes = this.#changes;
    this.#changes = { items: new Map(), chains: new Map() };
    return changes;
  }

  // From the person

  /** A new message at the end of the queue. */
  add(item: Outgoing): void {
    if (this.#items.size >= MAX_QUEUED) throw new Fault("queue_full");
    this.#put(item);
  }

  /** Hold a conversation back. Numbers that the server does not know are given back. */
  stop(scope: Bytes): void {
    this.#stopped.add(hex(scope));
    this.#rewind(scope);
  }

  /** Let a conversation go on. */
  goOn(scope: Bytes): void {
    this.#stopped.delete(hex(scope));
  }

  // Towards the wire

  /** The message that gets the next number, if one may be given now. */
  nextWaiting(): Outgoing | undefined {
    if (!this.#windowOpen()) return undefined;
    return [...this.#unsafe.values()].find((item) => !item.n && !this.#stopped.has(hex(item.scope)));
  }

  /** Give `item` the next number and its place in the chain of its conversation. */
  number(item: Outgoing, commit: Commit): Outgoing {
    const head = this.#head(item.scope);
    this.n += 1;
    const made = commit(item, this.n, head.seq + 1, head.c);
    this.#chain(item.scope, { seq: head.seq + 1, c: made.c });
    this.#free.add(this.n);
    const { content, kf, c } = made;
    return this.#put({ ...item, n: this.n, seq: head.seq + 1, content, kf, c });
  }

  /**
   * Numbered messages to seal and send now, lowest number first. Of a conversation whose devices and keys were not
   * accepted yet only one is under way at a time: were a later message accepted before an earlier one, a device's
   * stream would begin with it, and the earlier be refused there.
   */
  sendable(): Outgoing[] {
    const again = [...this.#again].flatMap((n) => this.find(n) ?? []);
    const ready = [...this.#unsafe.values(), ...again].filter((item) => this.#mayGo(item));
    const busy = new Set([...this.#onWire].flatMap((n) => this.find(n) ?? []).map((item) => hex(item.scope)));
    return ready
      .sort((one, other) => one.n - other.n)
      .filter((item) => {
        const scope = hex(item.scope);
        const first = this.#proven.has(scope) || !busy.has(scope);
        busy.add(scope);
        return first;
      });
  }

  /** Its bytes leave now. */
  sent(n: number): void {
    this.#onWire.add(n);
    this.#free.delete(n);
    this.#again.delete(n);
  }

  // From the wire

  /** Nothing that was on the wire is certain any more. */
  disconnected(): void {
    this.#onWire.clear();
    this.#mends.clear();
    this.#proven.clear();
  }

  /** The numbers to ask the fates of. After a restore everything is repeated instead (DESIGN section 3). */
  welcomed(newEpoch: boolean): number[] {
    const safe = [...this.#items.values()].filter((item) => item.n && item.stage !== "queued");
    if (!newEpoch) return safe.map((item) => item.n).sort((one, other) => one - other);
    for (const item of safe) this.#put({ ...item, stage: "queued" });
    return [];
  }

  /** The message as a receipt leaves it; undefined for a number that is final already. */
  received(receipt: Receipt): Outgoing | undefined {
    const item = this.find(receipt.n);
    if (!item) return undefined;
    this.#onWire.delete(receipt.n);
    this.#mends.delete(receipt.n);
    this.#proven.add(hex(item.scope));
    if (receipt.mark === "unreadable") return this.#reseal(item);
    return this.#put({ ...item, stage: MARKS[receipt.mark] ?? "safe" });
  }

  /** What a refusal asks for. `find` still tells the message, unless it failed. */
  refused(refusal: Refused): Reaction {
    const item = this.find(refusal.n);
    if (!item) return "none";
    this.#onWire.delete(item.n);
    this.#proven.delete(hex(item.scope));
    if (!refusal.known && item.stage === "queued" && GIVES_BACK.has(refusal.code)) this.#free.add(item.n);
    const otherwise: Reaction = refusal.retry ? "hold" : "failed";
    const reaction = this.#patience(item.n, REACTIONS[refusal.code] ?? otherwise);
    if (reaction === "failed") this.fail(item, refusal.code);
    else if (this.#stopped.has(hex(item.scope))) this.#rewind(item.scope);
    return reaction;
  }

  /** The message as the answer to `fates` leaves it (DESIGN section 3 "Fate"). */
  told(told: Told): Outgoing | undefined {
    const item = this.find(told.n);
    if (!item || this.#onWire.has(item.n)) return undefined;
    if (told.state === "unknown") return this.#put({ ...item, stage: "queued" });
    const fates = new Set<string>(told.persons.map(([, fate]) => fate));
    if (fates.has("unreadable")) return this.#reseal(item);
    const stage = OUTCOMES.find(([fate]) => fates.has(fate))?.[1] ?? "delivered";
    const final = told.state === "settled" || stage === "withheld";
    return this.#put({ ...item, stage: final ? stage : "safe" });
  }

  /** It will never be sent; `code` says why. Its place in the chain is given back where that is still possible. */
  fail(item: Outgoing, code: string): Outgoing {
    this.#rewind(item.scope, item.seq);
    const left = this.#items.get(item.item) ?? item;
    return this.#put({ ...left, stage: "failed", refusal: code });
  }

  // Inside

  /** A device could not open it: the same content goes again in fresh boxes, a bounded number of times. */
  #reseal(item: Outgoing): Outgoing {
    if (item.resealed >= MAX_RESEALS) return this.#put({ ...item, stage: "unreadable" });
    this.#again.add(item.n);
    return this.#put({ ...item, stage: "safe", resealed: item.resealed + 1 });
  }

  /** A refusal that comes back after each mend becomes a wait. */
  #patience(n: number, reaction: Reaction): Reaction {
    if (reaction !== "mend") return reaction;
    const mends = (this.#mends.get(n) ?? 0) + 1;
    this.#mends.set(n, mends);
    if (mends <= MAX_MENDS) return "mend";
    this.#mends.delete(n);
    return "hold";
  }

  #mayGo(item: Outgoing): boolean {
    return item.n > 0 && !this.#onWire.has(item.n) && !this.#stopped.has(hex(item.scope));
  }

  #windowOpen(): boolean {
    const numbers = [...this.#unsafe.values()].map((item) => item.n).filter((n) => n > 0);
    return this.n + 1 - Math.min(this.n + 1, ...numbers) < SEND_WINDOW;
  }

  /** Give back the newest numbers of a conversation, as far as the server does not know them. */
  #rewind(scope: Bytes, downTo = 1): void {
    const numbered = [...this.#items.values()].filter((item) => hex(item.scope) === hex(scope) && item.n);
    for (const item of numbered.sort((one, other) => other.seq - one.seq)) {
      if (item.seq !== this.#head(scope).seq || item.seq < downTo || !this.#free.has(item.n)) return;
      this.#free.delete(item.n);
      this.#byN.delete(item.n);
      this.#chain(scope, { seq: item.seq - 1, c: decodeContent(item.content).prev });
      this.#put({ ...item, n: 0, seq: 0, content: NOTHING, kf: NOTHING, c: NOTHING });
    }
  }

  #head(scope: Bytes): Chain {
    return this.#chains.get(hex(scope)) ?? NO_CHAIN;
  }

  #chain(scope: Bytes, head: Chain): void {
    this.#chains.set(hex(scope), head);
    this.#changes.chains.set(hex(scope), head);
  }

  #put(item: Outgoing): Outgoing {
    this.#changes.items.set(item.item, item);
    if (FINAL.has(item.stage)) this.#forget(item);
    else this.#keep(item);
    return item;
  }

  #keep(item: Outgoing): void {
    this.#items.set(item.item, item);
    if (item.n) this.#byN.set(item.n, item.item);
    if (item.stage === "queued") this.#unsafe.set(item.item, item);
    else this.#unsafe.delete(item.item);
  }

  #forget(item: Outgoing): void {
    this.#items.delete(item.item);
    this.#unsafe.delete(item.item);
    this.#byN.delete(item.n);
    for (const numbers of [this.#onWire, this.#free, this.#again]) numbers.delete(item.n);
  }
}
