// What the client holds and shows: messages, gaps, people, events. Ids are 16 bytes, times ms by the server's clock.

import type { Bytes } from "../bytes";

/** What a class 1 content is (the `kind` byte). */
export const KIND = { TEXT: 1 } as const;
/** What a class 2 content is. */
export const WHISPERED = { TYPING: 1, READ: 2 } as const;

/** How far a message of one's own has come. */
export type Stage =
  | "queued" // durable here, not yet answered by the server
  | "sent" // on its way over this connection; kept as queued
  | "safe" // durable at the server or at the recipients
  | "withheld" // held back by a withdrawn consent
  | "delivered" // a device of each other person has it
  | "read" // a recipient's own word
  | "expired" // never collected
  | "unreadable" // sealed again and again, and still not opened
  | "lost" // the recipient's device was removed, or nobody could be reached
  | "failed"; // refused for good

export const FINAL: ReadonlySet<Stage> = new Set([
  "delivered",
  "read",
  "expired",
  "unreadable",
  "lost",
  "failed",
]);

/** One message, said by somebody or by this account (`outgoing`). */
export interface Message {
  readonly type: "message";
  readonly conversation: Bytes;
  readonly place: number;
  readonly sender: Bytes;
  readonly device: Bytes;
  readonly kind: number;
  readonly body: Bytes;
  readonly sentAt: number;
  readonly acceptedAt: number;
  readonly seq: number;
  readonly outgoing: boolean;
  readonly stage: Stage;
  readonly refusal: string;
  readonly notes: readonly string[];
  /** Said under an identity that the person has not accepted yet. */
  readonly unapproved: boolean;
}

/** Numbers of one sending device that never came. `missing` counts those still absent. */
export interface Gap {
  readonly type: "gap";
  readonly conversation: Bytes;
  readonly place: number;
  readonly sender: Bytes;
  readonly device: Bytes;
  readonly first: number;
  readonly last: number;
  readonly missing: number;
}

export type Entry = Message | Gap;

/** The state of the connection. */
export type Link =
  | "offline"
  | "connecting"
  | "catching_up"
  | "current"
  | "waiting"
  | "sign_in_needed"
  | "stopped";

/** What a pinned contact's new statements mean. Only the first four are calm. */
export type Alarm =
  | "pinned"
  | "device_added"
  | "device_removed"
  | "member_removed"
  | "member_added"
  | "identity_changed"
  | "rollback" // the server showed an older list or key than the pinned one
  | "fork" // two lists under one version, or two keys under one number
  | "forged" // a list or bundle whose signatures or chain do not hold
  | "own_list"; // a list of one's own account that this device did not make

export type Event =
  | { readonly event: "link"; readonly link: Link; readonly retryInMs: number; readonly code: string }
  | { readonly event: "entry"; readonly entry: Entry }
  | { readonly event: "gone"; readonly conversation: Bytes; readonly place: number }
  | { readonly event: "talks" }
  | { readonly event: "unreachable"; readonly conversation: Bytes; readonly persons: readonly Bytes[] }
  | { readonly event: "fork"; readonly conversation: Bytes; readonly device: Bytes }
  | { readonly event: "unopened"; readonly conversation: Bytes; readonly device: Bytes }
  | { readonly event: "typing"; readonly conversation: Bytes; readonly account: Bytes; readonly on: boolean }
  | {
      readonly event: "contact";
      readonly alarm: Alarm;
      readonly account: Bytes;
      readonly conversation: Bytes;
    };

export type Tell = (event: Event) => void;
