// Typing and read marks: boxed like all else, never stored by the server, each with its switch (DESIGN section 4).

import { type Bytes, concat, hex, same } from "../bytes";
import { HASH_BYTES, ID_BYTES, Reader, u64, ZERO_HASH } from "../crypto/fields";
import type { Opened } from "../crypto/opening";
import { Refused } from "../crypto/refusals";
import { FRAME_CLASS } from "../crypto/scopes";
import { commit, seal } from "../crypto/sealing";
import type { Fleeting, Whisper } from "../protocol/wire";
import { Writes } from "../store/database";
import type { ReadMark } from "../store/records";
import type { Core } from "./core";
import type { Directory } from "./directory";
import { WHISPERED } from "./values";

/** How often, at most, typing is told; the screen lets it fade after ten seconds. */
const TYPING_EVERY_MS = 4_000;

/** Makes fleeting frames. Owned by the connection's sending side. */
export class Whispers {
  readonly #core: Core;
  readonly #directory: Directory;
  readonly #typedAt = new Map<string, number>();
  #n = 0;

  constructor(core: Core, directory: Directory) {
    this.#core = core;
    this.#directory = directory;
  }

  /** This person types, or stopped; undefined if the switch is off or it was told a moment ago. */
  typing(scope: Bytes, on: boolean): Fleeting | undefined {
    const now = this.#core.clock.monoMs();
    const last = this.#typedAt.get(hex(scope));
    const needless = on ? last !== undefined && now - last < TYPING_EVERY_MS : last === undefined;
    if (!this.#core.profile.typing || needless) return undefined;
    if (on) this.#typedAt.set(hex(scope), now);
    else this.#typedAt.delete(hex(scope));
    return this.#frame(scope, WHISPERED.TYPING, Uint8Array.of(on ? 1 : 0));
  }

  /** How far this person has read; undefined if the switch is off or nothing was read. */
  read(scope: Bytes): Fleeting | undefined {
    const marks = this.#core.talk(scope)?.read ?? [];
    if (!marks.length || !this.#core.profile.readMarks) return undefined;
    return this.#frame(scope, WHISPERED.READ, encodeMarks(marks));
  }

  #frame(scope: Bytes, kind: number, body: Bytes): Fleeting | undefined {
    const { pins, keys, random } = this.#core;
    const now = this.#core.nowMs();
    this.#n = Math.max(this.#n + 1, now);
    const present = this.#directory.present(scope);
    const recipients = pins.recipients(present, now);
    const sender = keys.sender(this.#core.ownList);
    if (!sender || !recipients.length || this.#directory.unseen(scope).length) return undefined;
    const members = pins.members(scope, present);
    const content = { kind, seq: this.#n, sentAtMs: now, prev: ZERO_HASH, members, body };
    const place = { frameClass: FRAME_CLASS.FLEETING, scope, senderDevice: pins.device, n: this.#n };
    try {
      const made = commit(place, content, random);
      const boxes = seal(made, sender, recipients, now, random).map((box) => ({
        device: box.deviceId,
        keyNo: box.keyNo,
        box: box.box,
      }));
      return { frame: "fleeting", scope, n: this.#n, c: made.c, boxes };
    } catch (error) {
      if (error instanceof Refused) return undefined; // nothing is lost: it is said again
      throw error;
    }
  }
}

/** Tell what an opened fleeting box says; unknown kinds say nothing to this version. */
export function hear(core: Core, directory: Directory, frame: Whisper, opened: Opened): void {
  const account = core.pins.sender(frame.sender, directory.ever(frame.scope));
  if (!account || same(account, core.profile.account)) return;
  const { kind, body } = opened.content;
  if (kind === WHISPERED.TYPING)
    core.tell({ event: "typing", conversation: frame.scope, account, on: body[0] === 1 });
  else if (kind === WHISPERED.READ) hearRead(core, frame.scope, account, body);
}

function hearRead(core: Core, scope: Bytes, account: Bytes, body: Bytes): void {
  const talk = core.talk(scope);
  const own = marksIn(body).filter((mark) => same(mark.device, core.pins.device));
  const seq = Math.max(0, ...own.map((mark) => mark.seq));
  const before = talk?.readBy.find((one) => same(one.account, account))?.seq ?? 0;
  if (!talk || seq <= before) return;
  const others = talk.readBy.filter((one) => !same(one.account, account));
  const writes = new Writes();
  core.keepTalk(writes, scope, { ...talk, readBy: [...others, { account, seq }] });
  core.save(writes);
}

/** The body of a read mark: (sender device 16, seq u64, c 32) for each device. */
export const encodeMarks = (marks: readonly ReadMark[]): Bytes =>
  concat(...marks.map((mark) => concat(mark.device, u64(mark.seq), mark.c)));

/** The inverse; a body of another form says nothing. */
export function marksIn(body: Bytes): ReadMark[] {
  const reader = new Reader(body);
  const size = ID_BYTES + 8 + HASH_BYTES;
  if (body.length % size) return [];
  return Array.from({ length: body.length / size }, () => ({
    device: reader.take(ID_BYTES),
    seq: reader.uint(8),
    c: reader.take(HASH_BYTES),
  }));
}
