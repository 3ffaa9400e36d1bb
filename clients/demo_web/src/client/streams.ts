// Opening what was delivered, as a value machine: what becomes of one box, and what to commit with it.
// The order of the checks lives in crypto/opening; here stands what each outcome means.

import { type Bytes, compare, concat, hex, unhex } from "../bytes";
import { u8, u64 } from "../crypto/fields";
import { type Delivery, type HeldKey, type Opened, openBox, type View } from "../crypto/opening";
import { decodeReceived, encodeReceived, type Received } from "../crypto/receiving";
import { type Reason, Refused } from "../crypto/refusals";
import { FRAME_CLASS } from "../crypto/scopes";
import type { Deliver, Whisper } from "../protocol/wire";
import type { ReadMark } from "../store/records";
import type { Gap, Message } from "./values";

/** Places are this far apart, so that a message that fills a gap finds room in its place. */
export const PLACE_STEP = 2 ** 16;

/** What to do with a box that did not open. */
export type Verdict =
  | "seen" // the same send again: ack `opened`, show nothing
  | "look_up" // something about the sender is not pinned yet: fetch it, then try once more
  | "fork" // the first stays; warn, ack `unreadable`
  | "unreadable"; // keep it as it came, ack `unreadable`, and it is asked for again

const VERDICTS: Partial<Record<Reason, Verdict>> = {
  already_opened: "seen",
  list_unknown: "look_up",
  unknown_sender: "look_up",
  send_fork: "fork",
  seq_fork: "fork",
};

export type Outcome = { readonly opened: Opened } | { readonly verdict: Verdict };

/** Owns the receiving state of every (sender device, class, scope). `takeChanges` names what to persist. */
export class Streams {
  readonly #streams: Map<string, Received>;
  #changes = new Map<string, Bytes>();

  constructor(streams: ReadonlyMap<string, Bytes>) {
    this.#streams = new Map([...streams].map(([key, raw]) => [key, decodeReceived(raw)]));
  }

  /** Open one box, or say why not. Nothing changes until `accept`. */
  open(delivery: Delivery, held: HeldKey | undefined, view: View, openedC: Bytes | undefined): Outcome {
    try {
      const stream = this.#streams.get(hex(streamKey(delivery)));
      return { opened: openBox(delivery, held, view, stream, openedC) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { verdict: VERDICTS[error.reason] ?? "unreadable" };
    }
  }

  /** Move the stream on, by a message that is committed together with it. */
  accept(delivery: Delivery, opened: Opened): void {
    const key = hex(streamKey(delivery));
    this.#streams.set(key, opened.stream.state);
    this.#changes.set(key, encodeReceived(opened.stream.state));
  }

  /** For each device that spoke in a conversation: how far. That is what a read mark says. */
  heads(scope: Bytes): ReadMark[] {
    const place = hex(concat(u8(FRAME_CLASS.MESSAGE), scope));
    const found = [...this.#streams].filter(([key]) => key.slice(32) === place);
    return found
      .map(([key, stream]) => ({ device: unhex(key.slice(0, 32)), seq: stream.highest, c: stream.c }))
      .sort((one, other) => compare(one.device, other.device));
  }

  takeChanges(): Map<string, Bytes> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }
}

/** A frame as `openBox` takes it. */
export const deliveryOf = (frame: Deliver | Whisper): Delivery => ({
  frameClass: frame.frame === "deliver" ? FRAME_CLASS.MESSAGE : FRAME_CLASS.FLEETING,
  scope: frame.scope,
  senderDevice: frame.sender,
  n: frame.n,
  c: frame.c,
  acceptedAtMs: frame.acceptedAt,
  keyNo: frame.keyNo,
  box: frame.box,
});

/** Sender device 16, class u8, scope 16. */
const streamKey = (delivery: Delivery): Bytes =>
  concat(delivery.senderDevice, u8(delivery.frameClass), delivery.scope);

/** Sender device 16, class u8, n u64. */
export const openedKey = (delivery: Delivery): Bytes =>
  concat(delivery.senderDevice, u8(delivery.frameClass), u64(delivery.n));

/** The gap that this message opened, if it did; it stands at `place`, before the message. */
export function gapBefore(opened: Opened, message: Message, place: number): Gap | undefined {
  const { stream } = opened;
  const { seq } = opened.content;
  if (stream.arrival !== "gap") return undefined;
  const known = new Set(stream.state.missing.map((entry) => entry.seq));
  let first = seq;
  while (known.has(first - 1) && seq - first < PLACE_STEP - 1) first -= 1;
  const { conversation, sender, device } = message;
  const missing = seq - first + stream.givenUp;
  return { type: "gap", conversation, place, sender, device, first, last: seq - 1, missing };
}
