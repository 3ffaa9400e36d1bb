// What the local state holds, record by record, each encrypted under the vault key with its store and key as
// associated data (CRYPTO section 8). Keys order the records of a store.

import { decode, encode } from "@msgpack/msgpack";
import type { Bytes } from "../bytes";
import type { Stage } from "../client/values";
import { ZERO_HASH } from "../crypto/fields";

/** The kinds of record, and what their keys are. */
export const STORE = {
  PROFILE: "profile", // empty key
  COUNTERS: "counters", // empty key
  LIST: "list", // account 16, version u32 -> a signed list as it came
  CONTACT: "contact", // account 16
  BUNDLE: "bundle", // device 16
  CONVERSATION: "conversation", // scope 16
  BOX_KEY: "box_key", // key_no u32
  QUEUE: "queue", // item u64
  CHAIN: "chain", // scope 16
  STREAM: "stream", // sender device 16, class u8, scope 16 -> Received as its bytes
  OPENED: "opened", // sender device 16, class u8, n u64
  GAP: "gap", // sender device 16, scope 16, first u64
  HISTORY: "history", // scope 16, place u64
  UNREADABLE: "unreadable", // sender device 16, n u64 -> the box as it came
  DRAFT: "draft", // scope 16 -> text
} as const;
export type StoreName = (typeof STORE)[keyof typeof STORE];

/** Who this device is. Owner: client/account. */
export interface Profile {
  readonly name: string;
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly role: string;
  readonly alias: string;
  readonly organisation: string;
  readonly deviceName: string;
  readonly identitySeed: Bytes;
  readonly deviceSeed: Bytes;
  readonly token: Bytes;
  /** What an earlier sign-in gave, so that the next one is known to come from here. */
  readonly place: Bytes;
  readonly sessionEndsAt: number;
  readonly registered: boolean;
  readonly epoch: Bytes;
  readonly clockOffsetMs: number;
  /** Tell others that this person types, and what they have read. */
  readonly typing: boolean;
  readonly readMarks: boolean;
}

/** Numbers that never go back: the highest send number, queue item and place. */
export interface Counters {
  readonly n: number;
  readonly item: number;
  readonly place: number;
}

/** What is held about an account beside its lists. Owner: client/pins. */
export interface Contact {
  /** The identity key that the person accepted; another one stops the queue. */
  readonly approved: Bytes;
  /** The identity key whose safety number was compared. */
  readonly verified: Bytes;
  /** Removed devices whose last messages are taken until the next `current`. */
  readonly leaving: readonly Bytes[];
}

/** The bundle with the highest key number seen of a device. */
export interface PinnedBundle {
  readonly account: Bytes;
  readonly raw: Bytes;
}

/** A member as the operator names them. */
export interface Person {
  readonly account: Bytes;
  readonly alias: string;
  readonly role: string;
  readonly present: boolean;
}

/** A read mark: how far the messages of one device were read. */
export interface ReadMark {
  readonly device: Bytes;
  readonly seq: number;
  readonly c: Bytes;
}

/** A conversation. `approved` are the accounts that the person has seen in it. Owner: client/directory. */
export interface Talk {
  readonly purpose: string;
  readonly people: readonly Person[];
  readonly approved: readonly Bytes[];
  readonly member: boolean;
  /** The read marks of this account. */
  readonly read: readonly ReadMark[];
  /** For each account: the highest seq of this device that it says it read. */
  readonly readBy: readonly { readonly account: Bytes; readonly seq: number }[];
  /** Messages of others that this person has not had on the screen. */
  readonly unread: number;
}

/** A box key of this device. `replacedAt` is zero while it is the newest. Owner: client/keys. */
export interface BoxSecret {
  readonly keyNo: number;
  readonly secret: Bytes;
  readonly createdMs: number;
  readonly listVersion: number;
  readonly bundle: Bytes;
  readonly published: boolean;
  readonly replacedAt: number;
}

/** A message of one's own on its way. `n` is zero until it has a number. Owner: client/outbox. */
export interface Outgoing {
  readonly item: number;
  readonly scope: Bytes;
  readonly kind: number;
  readonly body: Bytes;
  readonly queuedAt: number;
  readonly place: number;
  readonly stage: Stage;
  readonly n: number;
  readonly seq: number;
  readonly content: Bytes;
  readonly kf: Bytes;
  readonly c: Bytes;
  readonly resealed: number;
  readonly refusal: string;
}

/** The last message of this device in one conversation: its seq and commitment. */
export interface Chain {
  readonly seq: number;
  readonly c: Bytes;
}

/** That (sender device, class, n) was opened: under which commitment, and when the server had taken it. */
export interface OpenedRecord {
  readonly c: Bytes;
  readonly acceptedAt: number;
}

export const NOTHING: Bytes = new Uint8Array(0);
export const NO_COUNTERS: Counters = { n: 0, item: 0, place: 0 };
export const NO_CONTACT: Contact = { approved: NOTHING, verified: NOTHING, leaving: [] };
export const NO_CHAIN: Chain = { seq: 0, c: ZERO_HASH };

export const pack = (record: object): Bytes => encode(record);

/** A record of our own writing: what it holds was authenticated when it was decrypted. Bytes are copied out. */
export const unpack = <R>(raw: Bytes): R => decode(raw) as R;
