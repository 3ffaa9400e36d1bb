// What goes out: numbers and commitments become durable, boxes are sealed, frames leave (DESIGN section 3).
//
// A message is sealed for exactly the devices of its conversation as the pins know them. A refusal brings signed lists
// and bundles; only what verifies is sealed to. A conversation that cannot go on waits by itself, never the others.

import { type Bytes, hex, unhex } from "../bytes";
import { Refused as CryptoRefused } from "../crypto/refusals";
import { FRAME_CLASS } from "../crypto/scopes";
import { type Committed, commit, type Recipient, seal } from "../crypto/sealing";
import { boxesThatFit } from "../protocol/sizes";
import {
  type ClientFrame,
  FATES_PAGE,
  type FatesTold,
  type Receipt,
  type Refused,
  type Send,
} from "../protocol/wire";
import type { Outgoing } from "../store/records";
import type { Core } from "./core";
import type { Directory } from "./directory";
import { Fault } from "./errors";
import { FINAL } from "./values";

/** How long a refused conversation waits when no notice comes first. */
const HOLD_MS = 15_000;

/** Drives the outbox over one connection at a time. */
export class Pump {
  readonly #core: Core;
  readonly #directory: Directory;
  readonly #rotate: () => Promise<void>;
  readonly #held = new Map<string, number>();
  #settled: number[] = [];
  #send: ((frame: ClientFrame) => void) | undefined;
  #running = false;
  #again = false;

  constructor(core: Core, directory: Directory, rotate: () => Promise<void>) {
    this.#core = core;
    this.#directory = directory;
    this.#rotate = rotate;
  }

  /** There is a connection; its frames leave by `send`. */
  attach(send: (frame: ClientFrame) => void): void {
    this.#send = send;
    this.wake();
  }

  detach(): void {
    this.#send = undefined;
  }

  /** There may be something to send. */
  wake(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again && this.#send) {
        this.#again = false;
        await this.#turn(this.#send);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error; // the state failed: the connection ends by it, too
    } finally {
      this.#running = false;
    }
  }

  async #turn(send: (frame: ClientFrame) => void): Promise<void> {
    while (this.#send === send) {
      await this.#number();
      const [item] = this.#core.outbox.sendable();
      if (!item || this.#send !== send) return;
      await this.#sendOne(item, send);
    }
  }

  // Numbers

  /** Give out what numbers may be given, and have them durable before anything of it leaves. */
  async #number(): Promise<void> {
    const { outbox } = this.#core;
    for (let item = outbox.nextWaiting(); item; item = outbox.nextWaiting()) {
      if (!(await this.#ready(item.scope)) || outbox.nextWaiting() !== item) continue;
      outbox.number(item, (...numbers) => this.#commit(...numbers));
    }
    await this.#core.saved();
  }

  /** Whether a conversation can be sealed to; if not, it is held or waits for the person. */
  async #ready(scope: Bytes): Promise<boolean> {
    try {
      await this.#directory.ensure(scope);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#hold(scope);
      return false;
    }
    if (this.#directory.unseen(scope).length === 0) return true;
    this.#core.outbox.stop(scope);
    this.#core.tell({ event: "talks" });
    return false;
  }

  #commit(item: Outgoing, n: number, seq: number, prev: Bytes): Committed {
    const { pins, random } = this.#core;
    const members = pins.members(item.scope, this.#directory.present(item.scope));
    const content = { kind: item.kind, seq, sentAtMs: item.queuedAt, prev, members, body: item.body };
    const place = { frameClass: FRAME_CLASS.MESSAGE, scope: item.scope, senderDevice: pins.device, n };
    return commit(place, content, random);
  }

  // Boxes

  async #sendOne(item: Outgoing, send: (frame: ClientFrame) => void): Promise<void> {
    if (!(await this.#ready(item.scope))) return;
    await this.#rotate();
    if (this.#send !== send) return;
    const now = this.#core.nowMs();
    const to = this.#core.pins.recipients(this.#directory.present(item.scope), now);
    if (to.length > boxesThatFit(item.content.length)) {
      this.#fail(item, "too_long");
      return;
    }
    const current = this.#core.outbox.find(item.n);
    const frame = current && this.#sealed(current, to, now);
    if (!frame) return;
    this.#core.outbox.sent(item.n);
    this.#core.tellStage(current, current.stage === "queued" ? "sent" : current.stage);
    send(frame);
  }

  #sealed(item: Outgoing, to: readonly Recipient[], now: number): Send | undefined {
    const { scope, n, content, kf, c } = item;
    const place = { frameClass: FRAME_CLASS.MESSAGE, scope, senderDevice: this.#core.pins.device, n };
    const sender = this.#core.keys.sender(this.#core.ownList);
    try {
      if (!sender) throw new CryptoRefused("key_not_held");
      const boxes = seal({ ...place, content, kf, c }, sender, to, now, this.#core.random);
      const sealed = boxes.map((box) => ({ device: box.deviceId, keyNo: box.keyNo, box: box.box }));
      return { frame: "send", scope, n, c, boxes: sealed };
    } catch (error) {
      if (!(error instanceof CryptoRefused)) throw error;
      if (error.reason === "too_long") this.#fail(item, "too_long");
      else this.#hold(scope);
      return undefined;
    }
  }

  // What comes back

  /** The pages of numbers to ask the fates of. */
  welcomed(newEpoch: boolean): number[][] {
    this.#settled = [];
    this.#held.clear();
    for (const scope of this.#core.talks.keys()) this.#core.outbox.goOn(unhex(scope));
    const ask = this.#core.outbox.welcomed(newEpoch);
    const pages = Math.ceil(ask.length / FATES_PAGE);
    return Array.from({ length: pages }, (_, at) => ask.slice(at * FATES_PAGE, (at + 1) * FATES_PAGE));
  }

  /** Take a receipt. True if the fates of its number should be asked. */
  receipt(frame: Receipt): boolean {
    const item = this.#core.outbox.received(frame);
    if (!item) return false;
    this.#told(item);
    if (frame.mark === "safe" && frame.persons.length)
      this.#core.tell({ event: "unreachable", conversation: item.scope, persons: frame.persons });
    return frame.mark === "expired" || frame.mark === "device_removed";
  }

  /** Take what became of sends. */
  fates(frame: FatesTold): void {
    for (const told of frame.fates) {
      const item = this.#core.outbox.told(told);
      if (item) this.#told(item);
    }
  }

  /** Take a refusal: mend, hold, or tell that it failed. */
  async refused(frame: Refused): Promise<void> {
    const item = this.#core.outbox.find(frame.n);
    const reaction = this.#core.outbox.refused(frame);
    if (!item) return;
    if (reaction === "failed") this.#core.tellStage({ ...item, stage: "failed", refusal: frame.code });
    else if (reaction === "hold") this.#hold(item.scope);
    else if (reaction === "mend") await this.#mend(frame, item.scope);
    this.wake();
    await this.#core.saved();
  }

  async #mend(frame: Refused, scope: Bytes): Promise<void> {
    try {
      await this.#directory.mend(
        frame.lists,
        frame.bundles.map(([, raw]) => raw),
      );
      if (!frame.lists.length) return;
      await this.#directory.reconcile(
        scope,
        frame.lists.map(([account]) => account),
      );
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#hold(scope);
    }
  }

  #told(item: Outgoing): void {
    this.#core.tellStage(item);
    if (FINAL.has(item.stage)) this.#settled.push(item.n);
    this.#core.save();
    this.wake();
  }

  #fail(item: Outgoing, code: string): void {
    this.#core.tellStage(this.#core.outbox.fail(item, code));
    this.#core.save();
  }

  // Waiting

  #hold(scope: Bytes): void {
    this.#core.outbox.stop(scope);
    this.#directory.staleScope(scope);
    this.#held.set(hex(scope), this.#core.clock.monoMs() + HOLD_MS);
  }

  /** A notice came, or the person approved: what was held may be tried again. */
  release(scope: Bytes): void {
    this.#held.delete(hex(scope));
    this.#core.outbox.goOn(scope);
    this.wake();
  }

  /** What was held long enough may be tried again. */
  tick(): void {
    const now = this.#core.clock.monoMs();
    for (const [scope, until] of [...this.#held]) if (now >= until) this.release(unhex(scope));
  }

  /** Numbers whose fate is known and may be forgotten by the server, if there are at least so many. */
  takeSettled(least = 1): number[] {
    if (this.#settled.length < least) return [];
    return this.#settled.splice(0, FATES_PAGE);
  }
}
