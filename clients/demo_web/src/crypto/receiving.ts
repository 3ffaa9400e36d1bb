// What a device remembers of one stream: per (sender device, class, scope), as a pure value machine.
// CRYPTO section 3 "Receiving state". A step takes a state and a message's numbers and returns the next state or
// throws `Refused`; the caller commits that state in the same transaction as the message and the key use.

import { type Bytes, concat, same } from "../bytes";
import { fixed, HASH_BYTES, Reader, u8, u16, u64, ZERO_HASH } from "./fields";
import { Refused, require } from "./refusals";

export const MAX_MISSING = 1_024;
const STATE_VERSION = 1;
const NOTHING: Bytes = new Uint8Array(0);

/** How an accepted message joins the stream: it begins it, continues it, leaves a hole before it, or fills one. */
export type Arrival = "first" | "next" | "gap" | "filled";

/** A number not seen yet; empty bytes where no neighbour has said anything. */
export interface Missing {
  readonly seq: number;
  /** What the next message names as its prev. */
  readonly c: Bytes;
  /** The commitment of the message before it. */
  readonly prev: Bytes;
}

/** One stream. Owner: the client's store. Numbers below `floor` are refused and no longer judged. */
export interface Received {
  readonly floor: number;
  readonly highest: number;
  /** The commitment of `highest`. */
  readonly c: Bytes;
  /** Ascending by seq, at most MAX_MISSING. */
  readonly missing: readonly Missing[];
}

/** An accepted message: the state to commit, how it arrived, how many missing numbers were given up. */
export interface Step {
  readonly state: Received;
  readonly arrival: Arrival;
  readonly givenUp: number;
}

/** 0x01, floor u64, highest u64, c 32, count u16, entries of seq u64, len8 || c, len8 || prev. */
export function encodeReceived(state: Received): Bytes {
  const entries = state.missing.map((entry) =>
    concat(u64(entry.seq), u8(entry.c.length), entry.c, u8(entry.prev.length), entry.prev),
  );
  const head = concat(u8(STATE_VERSION), u64(state.floor), u64(state.highest), fixed(state.c, HASH_BYTES));
  return concat(head, u16(entries.length), ...entries);
}

/** The inverse; refuses what that cannot have written. */
export function decodeReceived(raw: Bytes): Received {
  const reader = new Reader(raw);
  require(reader.uint(1) === STATE_VERSION, "bad_version");
  const [floor, highest, c] = [reader.uint(8), reader.uint(8), reader.take(HASH_BYTES)];
  const count = reader.uint(2);
  require(count <= MAX_MISSING, "number_range");
  const missing = Array.from({ length: count }, () => readMissing(reader));
  reader.end();
  return { floor, highest, c, missing };
}

/** Class 1. Each seq is accepted once; `prev` must name the message before it as far as that is known. */
export function receiveMessage(state: Received | undefined, seq: number, c: Bytes, prev: Bytes): Step {
  require(seq >= 1, "bad_seq");
  require((seq === 1) === same(prev, ZERO_HASH), "bad_prev");
  if (!state) return step({ floor: seq, highest: seq, c, missing: [] }, "first");
  return seq > state.highest ? goOn(state, seq, c, prev) : fill(state, seq, c, prev);
}

/** Classes 2 and 3: strictly growing, nothing is ever missing. */
export function receivePassing(state: Received | undefined, n: number, c: Bytes): Step {
  require(!state || n > state.highest, "not_growing");
  return step({ floor: n, highest: n, c, missing: [] }, state ? "next" : "first");
}

const step = (state: Received, arrival: Arrival, givenUp = 0): Step => ({ state, arrival, givenUp });

function goOn(state: Received, seq: number, c: Bytes, prev: Bytes): Step {
  if (seq === state.highest + 1) {
    require(same(prev, state.c), "bad_prev");
    return step({ ...state, highest: seq, c }, "next");
  }
  const opened = [...state.missing, ...openedGap(state, seq, prev)];
  const kept = opened.slice(-MAX_MISSING);
  const givenUp = state.missing.length + seq - state.highest - 1 - kept.length;
  const floor = givenUp ? (kept[0]?.seq ?? seq) : state.floor;
  return step({ floor, highest: seq, c, missing: kept }, "gap", givenUp);
}

/** The newest of the numbers between `highest` and `seq`, with what is known at both ends. */
function openedGap(state: Received, seq: number, prev: Bytes): Missing[] {
  const first = Math.max(state.highest + 1, seq - MAX_MISSING);
  return Array.from({ length: seq - first }, (_, at) => ({
    seq: first + at,
    c: first + at === seq - 1 ? prev : NOTHING,
    prev: first + at === state.highest + 1 ? state.c : NOTHING,
  }));
}

function fill(state: Received, seq: number, c: Bytes, prev: Bytes): Step {
  require(seq >= state.floor, "seq_too_old");
  const entry = state.missing.find((missing) => missing.seq === seq);
  if (!entry) throw new Refused(seq === state.highest && same(c, state.c) ? "already_opened" : "seq_fork");
  require(entry.c.length === 0 || same(entry.c, c), "seq_fork");
  require(entry.prev.length === 0 || same(entry.prev, prev), "bad_prev");
  const rest = state.missing.filter((other) => other.seq !== seq).map((other) => told(other, seq, c, prev));
  return step({ ...state, missing: rest }, "filled");
}

/** A missing neighbour learns from the message that filled its side. */
function told(entry: Missing, seq: number, c: Bytes, prev: Bytes): Missing {
  if (entry.seq === seq + 1) return { ...entry, prev: c };
  if (entry.seq === seq - 1) return { ...entry, c: prev };
  return entry;
}

const readMissing = (reader: Reader): Missing => ({
  seq: reader.uint(8),
  c: reader.take(reader.uint(1)),
  prev: reader.take(reader.uint(1)),
});
