// What the page asks of the worker and is told by it. Values alone: ids as hex, texts as text, no key and no bytes.

import type { FaultName } from "../client/errors";
import type { Alarm, Link, Stage } from "../client/values";

/** This person, as the page shows them. */
export interface SelfView {
  /** Names the local state; says nothing about the person. */
  readonly person: string;
  readonly account: string;
  readonly alias: string;
  readonly role: string;
  readonly organisation: string;
  /** Whether this browser opens the state without the password. */
  readonly remembered: boolean;
}

/** Somebody who may read a conversation, by the operator's word, and what is pinned of them. */
export interface MemberView {
  readonly account: string;
  readonly alias: string;
  readonly role: string;
  readonly own: boolean;
  readonly devices: number;
  readonly verified: boolean;
  readonly mustVerify: boolean;
  readonly approved: boolean;
  readonly identity: string;
}

export interface TalkView {
  readonly id: string;
  readonly purpose: string;
  readonly member: boolean;
  readonly people: readonly MemberView[];
  /** Whether `approve` is needed before anything is sent. */
  readonly blocked: boolean;
  readonly unread: number;
  readonly last: EntryView | undefined;
  /** The highest seq of this device that somebody says they read. */
  readonly readSeq: number;
}

export interface MessageView {
  readonly type: "message";
  readonly conversation: string;
  readonly place: number;
  readonly sender: string;
  readonly text: string;
  readonly sentAt: number;
  readonly seq: number;
  readonly outgoing: boolean;
  readonly thisDevice: boolean;
  readonly stage: Stage;
  readonly refusal: string;
  readonly notes: readonly string[];
  readonly unapproved: boolean;
}

export interface GapView {
  readonly type: "gap";
  readonly conversation: string;
  readonly place: number;
  readonly sender: string;
  readonly missing: number;
}

export type EntryView = MessageView | GapView;

/** Something to be said aloud beside the messages; `who` is an alias, or empty where it is not known. */
export interface Remark {
  readonly kind: Alarm | "said_twice" | "unopened" | "unreachable";
  readonly who: string;
  readonly conversation: string;
}

/** How a tab begins: somebody's state is open, is there and locked, or there is nothing. */
export type Begun = { readonly at: "open"; readonly self: SelfView } | { readonly at: "locked" | "nothing" };

/** What the page may ask. Every answer is a promise; a fault rejects with `FaultView`. */
export interface Calls {
  begin(person: string): Begun;
  /** Sign in, or unlock what is here. */
  enter(name: string, password: string): SelfView;
  /** Accept an invitation under a password that this person chose. */
  join(code: string, name: string, password: string): SelfView;
  /** Follow a link of a demo person, whose password is no secret: join, sign in or unlock, and remember. */
  follow(code: string, name: string, password: string): SelfView;
  /** After the session ended. */
  signInAgain(password: string): void;
  signOut(): void;
  history(conversation: string, before?: number): EntryView[];
  draft(conversation: string): string;
  keepDraft(conversation: string, text: string): void;
  send(conversation: string, text: string): void;
  retry(conversation: string): void;
  read(conversation: string): void;
  typing(conversation: string, on: boolean): void;
  active(): void;
  network(there: boolean): void;
  safety(account: string): string;
  verify(account: string, number: string, holds: boolean): void;
  /** Accepts exactly those who were shown; gives back the accounts that must be verified instead. */
  approve(conversation: string, shown: readonly { account: string; identity: string }[]): string[];
}

/** What the worker tells without being asked. */
export type Told =
  | { readonly told: "link"; readonly link: Link; readonly code: string; readonly retryInMs: number }
  | { readonly told: "talks"; readonly talks: readonly TalkView[]; readonly waiting: number }
  | { readonly told: "entry"; readonly entry: EntryView }
  | { readonly told: "gone"; readonly conversation: string; readonly place: number }
  | { readonly told: "typing"; readonly conversation: string; readonly account: string; readonly on: boolean }
  | { readonly told: "remark"; readonly remark: Remark }
  /** The tab that had the state open has closed: this one must begin again. */
  | { readonly told: "alone" };

export interface FaultView {
  readonly name: FaultName;
  readonly code: string;
}
