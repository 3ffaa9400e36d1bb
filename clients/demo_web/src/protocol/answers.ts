// What the server answers over HTTP, as far as this client reads it. Unknown fields are let be (PROTOCOL 2.3).

import { type Bytes, unbase64url } from "../bytes";

/** Reads a field of a JSON answer; throws where it is not what it must be. */
export class Answer {
  readonly #fields: Record<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("no object");
    this.#fields = value as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw new TypeError("no text");
    return value;
  }

  bytes(name: string): Bytes {
    return unbase64url(this.text(name));
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (!Number.isSafeInteger(value)) throw new TypeError("no number");
    return value as number;
  }

  flag(name: string): boolean {
    return this.#fields[name] === true;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  list(name: string): Answer[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new TypeError("no list");
    return value.map((item) => new Answer(item));
  }
}

/** Who this is, what time it is, and the epoch that a hello must name. */
export interface Server {
  readonly tenant: Bytes;
  readonly epoch: Bytes;
  readonly serverTime: number;
  readonly name: string;
}

export const readServer = (from: Answer): Server => ({
  tenant: from.bytes("tenant"),
  epoch: from.bytes("epoch"),
  serverTime: from.number("server_time"),
  name: from.text("name"),
});

/** A session. `place` makes the next sign-in from here a known one. */
export interface Session {
  readonly token: Bytes;
  readonly place: Bytes;
  readonly endsAt: number;
}

export const readSession = (from: Answer): Session => ({
  token: from.bytes("token"),
  place: from.bytes("place"),
  endsAt: from.number("ends_at"),
});

/** One's own account. */
export interface Me {
  readonly account: Bytes;
  readonly role: string;
  readonly alias: string;
  readonly listVersion: number;
  readonly devices: number;
}

export const readMe = (from: Answer): Me => ({
  account: from.bytes("account"),
  role: from.text("role"),
  alias: from.text("alias"),
  listVersion: from.number("list_version"),
  devices: from.list("devices").length,
});

/** A conversation by the operator's word. */
export interface TalkInfo {
  readonly conversation: Bytes;
  readonly purpose: string;
  readonly members: readonly {
    readonly account: Bytes;
    readonly role: string;
    readonly alias: string;
    readonly present: boolean;
  }[];
}

export const readTalks = (from: Answer): TalkInfo[] =>
  from.list("conversations").map((talk) => ({
    conversation: talk.bytes("conversation"),
    purpose: talk.text("purpose"),
    members: talk.list("members").map((member) => ({
      account: member.bytes("account"),
      role: member.text("role"),
      alias: member.text("alias"),
      present: !member.has("left_at"),
    })),
  }));

/** Versions of an account's list, oldest first. */
export interface SignedLists {
  readonly lists: readonly { readonly account: Bytes; readonly version: number; readonly list: Bytes }[];
  readonly more: boolean;
}

export const readLists = (from: Answer): SignedLists => ({
  lists: from.list("lists").map((entry) => ({
    account: entry.bytes("account"),
    version: entry.number("version"),
    list: entry.bytes("list"),
  })),
  more: from.flag("more"),
});

/** What it takes to seal to a conversation. */
export interface Bundles {
  readonly lists: SignedLists["lists"];
  readonly bundles: readonly { readonly device: Bytes; readonly bundle: Bytes }[];
}

export const readBundles = (from: Answer): Bundles => ({
  lists: readLists(from).lists,
  bundles: from.list("bundles").map((entry) => ({
    device: entry.bytes("device"),
    bundle: entry.bytes("bundle"),
  })),
});
