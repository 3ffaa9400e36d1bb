// What comes in: boxes are opened, committed and only then acknowledged (CRYPTO section 3 "Receiving state").
//
// A batch is everything that one turn of the loop brought. Message, receiving state and key use of all of it are one
// transaction with `durability: "strict"`; the acknowledgement leaves after that.

import { encode } from "@msgpack/msgpack";
import { type Bytes, concat, hex, same } from "../bytes";
import { u64, ZERO_ID } from "../crypto/fields";
import type { Opened } from "../crypto/opening";
import { Refused } from "../crypto/refusals";
import type { Ack, Deliver, Whisper } from "../protocol/wire";
import { Writes } from "../store/database";
import { placeKey } from "../store/history";
import { type OpenedRecord, STORE, unpack } from "../store/records";
import type { Core } from "./core";
import type { Directory } from "./directory";
import { Fault } from "./errors";
import { deliveryOf, gapBefore, type Outcome, openedKey, type Verdict } from "./streams";
import type { Event, Gap, Message } from "./values";
import { hear } from "./whispers";

/** Boxes kept as they came; beyond that they are acknowledged as unreadable and not kept. */
const MAX_UNREADABLE = 1_000;
/** How often, at most, a conversation is read again because a box does not fit what is known of it. */
const LOOKUP_EVERY_MS = 30_000;

/** One turn's worth: what to write, what to tell after the write, what to acknowledge. Owned by `take`. */
interface Batch {
  readonly seen: Map<string, Bytes>;
  writes: Writes;
  events: Event[];
  readonly opened: number[];
  readonly unreadable: number[];
}

/** Opens what was delivered. Used by one loop at a time. */
export class Intake {
  readonly #core: Core;
  readonly #directory: Directory;
  readonly #nextLookup = new Map<string, number>();
  #kept: number;

  constructor(core: Core, directory: Directory, kept: number) {
    this.#core = core;
    this.#directory = directory;
    this.#kept = kept;
  }

  /**
   * Open, commit, and give back the acknowledgement that may leave now. Nothing is awaited between the opening of a
   * box and the submission of its commit: memory must not run ahead of the disk.
   */
  async take(frames: readonly Deliver[]): Promise<Ack> {
    const seen = await this.#seen(frames);
    const batch: Batch = { seen, writes: new Writes(), events: [], opened: [], unreadable: [] };
    for (const frame of frames) {
      if (this.#wantsLookup(frame, this.#open(frame, batch))) {
        void this.#submit(batch).catch(() => undefined);
        await this.#lookUp(frame.scope);
      }
      this.#settle(batch, frame, this.#open(frame, batch));
    }
    await this.#submit(batch);
    return { frame: "ack", opened: batch.opened, unreadable: batch.unreadable };
  }

  /** A fleeting box: what it says is told, and nothing of it is kept but a read mark. */
  overhear(frame: Whisper): void {
    const outcome = this.#open(frame);
    if (!("opened" in outcome)) return;
    this.#core.streams.accept(deliveryOf(frame), outcome.opened);
    hear(this.#core, this.#directory, frame, outcome.opened);
  }

  /** Under which commitment each of these sends was opened before. */
  async #seen(frames: readonly Deliver[]): Promise<Map<string, Bytes>> {
    const keys = frames.map((frame) => openedKey(deliveryOf(frame)));
    const rows = await this.#core.database.get(STORE.OPENED, keys);
    const known = rows.map((row, at) => [hex(keys[at] ?? ZERO_ID), row] as const);
    return new Map(known.flatMap(([key, row]) => (row ? [[key, unpack<OpenedRecord>(row).c]] : [])));
  }

  /** What was opened so far goes to the disk, and is told when it is there. */
  async #submit(batch: Batch): Promise<void> {
    const { writes, events } = batch;
    batch.writes = new Writes();
    batch.events = [];
    await this.#core.saved(writes);
    for (const event of events) this.#core.tell(event);
  }

  /** Whether what this device knows of the sender or the members may be too old; asked now and then only. */
  #wantsLookup(frame: Deliver, outcome: Outcome): boolean {
    const old =
      "opened" in outcome ? outcome.opened.notes.includes("members_differ") : outcome.verdict === "look_up";
    const now = this.#core.clock.monoMs();
    if (!old || now < (this.#nextLookup.get(hex(frame.scope)) ?? 0)) return false;
    this.#nextLookup.set(hex(frame.scope), now + LOOKUP_EVERY_MS);
    return true;
  }

  async #lookUp(scope: Bytes): Promise<void> {
    try {
      await this.#directory.renew(scope);
    } catch (error) {
      if (!(error instanceof Fault)) throw error; // not answered: the box is judged by what is known
    }
  }

  #open(frame: Deliver | Whisper, batch?: Batch): Outcome {
    const { keys, streams, pins } = this.#core;
    const delivery = deliveryOf(frame);
    const openedC = batch?.seen.get(hex(openedKey(delivery)));
    const [present, ever] = [this.#directory.present(frame.scope), this.#directory.ever(frame.scope)];
    const view = pins.view(frame.scope, present, ever, keys.owners());
    return streams.open(delivery, keys.held(frame.keyNo), view, openedC);
  }

  #settle(batch: Batch, frame: Deliver, outcome: Outcome): void {
    if (!("opened" in outcome)) {
      this.#turnAway(batch, frame, outcome.verdict);
      return;
    }
    const delivery = deliveryOf(frame);
    this.#core.streams.accept(delivery, outcome.opened);
    batch.seen.set(hex(openedKey(delivery)), frame.c);
    this.#accept(batch, frame, outcome.opened);
  }

  // What opened

  #accept(batch: Batch, frame: Deliver, opened: Opened): void {
    this.#pin(opened);
    const message = this.#placed(batch, this.#message(frame, opened), opened);
    const known: OpenedRecord = { c: frame.c, acceptedAt: frame.acceptedAt };
    batch.writes.put(STORE.HISTORY, placeKey(message.conversation, message.place), message);
    batch.writes.put(STORE.OPENED, openedKey(deliveryOf(frame)), known);
    batch.writes.drop(STORE.UNREADABLE, concat(frame.sender, u64(frame.n)));
    const talk = this.#core.talk(frame.scope);
    if (talk && !message.outgoing)
      this.#core.keepTalk(batch.writes, frame.scope, { ...talk, unread: talk.unread + 1 });
    batch.events.push({ event: "entry", entry: message });
    batch.opened.push(frame.number);
  }

  /** The key that opened is pinned; an older one is excused for a missing message, and then it is not. */
  #pin(opened: Opened): void {
    try {
      this.#core.pins.takeBundle(opened.bundleBytes);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  #message(frame: Deliver, opened: Opened): Message {
    const { pins, profile } = this.#core;
    const { content } = opened;
    const sender = pins.sender(frame.sender, this.#directory.ever(frame.scope)) ?? ZERO_ID;
    const outgoing = same(sender, profile.account);
    return {
      type: "message",
      conversation: frame.scope,
      place: 0,
      sender,
      device: frame.sender,
      kind: content.kind,
      body: content.body,
      sentAt: content.sentAtMs,
      acceptedAt: frame.acceptedAt,
      seq: content.seq,
      outgoing,
      stage: outgoing ? "safe" : "delivered",
      refusal: "",
      notes: opened.notes,
      unapproved: !pins.approved(sender),
    };
  }

  /** Put the message at the end, after the gap it opened, or into the gap it fills. */
  #placed(batch: Batch, message: Message, opened: Opened): Message {
    if (opened.stream.arrival === "filled") {
      const place = this.#fill(batch, message) || this.#core.nextPlace();
      return { ...message, place };
    }
    const gap = gapBefore(opened, message, 0);
    if (gap) this.#keepGap(batch, { ...gap, place: this.#core.nextPlace() });
    return { ...message, place: this.#core.nextPlace() };
  }

  /** The place inside the gap; zero if none is on record. */
  #fill(batch: Batch, message: Message): number {
    for (const gap of this.#core.gaps.values()) {
      const here = same(gap.conversation, message.conversation) && same(gap.device, message.device);
      if (!here || message.seq < gap.first || message.seq > gap.last) continue;
      this.#keepGap(batch, { ...gap, missing: gap.missing - 1 });
      return gap.place + 1 + message.seq - gap.first;
    }
    return 0;
  }

  #keepGap(batch: Batch, gap: Gap): void {
    const key = concat(gap.device, gap.conversation, u64(gap.first));
    const shown = placeKey(gap.conversation, gap.place);
    if (gap.missing > 0) {
      this.#core.gaps.set(hex(key), gap);
      batch.writes.put(STORE.GAP, key, gap);
      batch.writes.put(STORE.HISTORY, shown, gap);
      batch.events.push({ event: "entry", entry: gap });
      return;
    }
    this.#core.gaps.delete(hex(key));
    batch.writes.drop(STORE.GAP, key);
    batch.writes.drop(STORE.HISTORY, shown);
    batch.events.push({ event: "gone", conversation: gap.conversation, place: gap.place });
  }

  // What did not open

  #turnAway(batch: Batch, frame: Deliver, verdict: Verdict): void {
    if (verdict === "seen") {
      batch.opened.push(frame.number);
      return;
    }
    batch.unreadable.push(frame.number);
    const where = { conversation: frame.scope, device: frame.sender };
    if (verdict === "fork") {
      batch.events.push({ event: "fork", ...where });
      return;
    }
    if (this.#kept < MAX_UNREADABLE) {
      this.#kept += 1;
      batch.writes.put(STORE.UNREADABLE, concat(frame.sender, u64(frame.n)), encode(frame));
    }
    batch.events.push({ event: "unopened", ...where });
  }
}
