// Getting in: which local state, unlocked or made anew. Runs in the worker that owns the person's state.

import { type Bytes, encodeText, hex } from "../bytes";
import { found, join, type SignedIn, signIn } from "../client/account";
import { Client } from "../client/client";
import { Fault } from "../client/errors";
import { weakness } from "../client/passwords";
import type { Tell } from "../client/values";
import { blake2b } from "../crypto/labels";
import { Refused } from "../crypto/refusals";
import { type Derived, derive, unwrapVaultKey } from "../crypto/vault";
import { Api } from "../protocol/api";
import { Database, type Head } from "../store/database";
import { NOTHING } from "../store/records";
import { recall, remember } from "./remembered";

const PERSON_BYTES = 8;

/** Names a person's state without saying who it is. */
export const personOf = (name: string): string =>
  hex(blake2b(encodeText(name.normalize("NFKC").trim().toLowerCase()), PERSON_BYTES));

export interface Entered {
  readonly client: Client;
  readonly remembered: boolean;
}

/** Made for one person and one owner. */
export class Entrance {
  readonly #person: string;
  readonly #origin: string;
  readonly #tell: Tell;

  constructor(person: string, origin: string, tell: Tell) {
    this.#person = person;
    this.#origin = origin;
    this.#tell = tell;
  }

  /** What opens without a password; undefined where something is needed. */
  async remembered(): Promise<Entered | "locked" | "nothing"> {
    const head = await Database.head(this.#person);
    if (!head) return "nothing";
    const vaultKey = await recall(head);
    return vaultKey ? this.#opened(vaultKey, true) : "locked";
  }

  /** Unlock what is here, or sign in as this account's first device. */
  async enter(name: string, password: string, keep = false): Promise<Entered> {
    const head = await Database.head(this.#person);
    if (head) return this.#unlocked(head, password, keep);
    const api = new Api(this.#origin);
    return this.#founded(api, name, await signIn(api, name, password, NOTHING), keep);
  }

  /** Accept an invitation under a password of one's own choice. */
  async join(code: string, name: string, password: string): Promise<Entered> {
    const api = new Api(this.#origin);
    const weak = await weakness(password, [name, (await api.server()).name]);
    if (weak) throw new Fault("weak_password", weak);
    return this.#founded(api, name, await join(api, code, name, password), false);
  }

  /** A demo person's link: the state that is here, the invitation, or the account that it became. */
  async follow(code: string, name: string, password: string): Promise<Entered> {
    if (await Database.head(this.#person)) return this.enter(name, password, true);
    const api = new Api(this.#origin);
    try {
      return await this.#founded(api, name, await join(api, code, name, password), true);
    } catch (error) {
      if (!(error instanceof Fault) || error.name !== "refused") throw error;
      return this.enter(name, password, true); // the invitation was used: by this very person, if the password says so
    }
  }

  /** The password opens what is here, or `wrong_password`. */
  async prove(password: string): Promise<void> {
    const head = await Database.head(this.#person);
    if (head) await unwrapped(head, password);
  }

  async #unlocked(head: Head, password: string, keep: boolean): Promise<Entered> {
    const { vaultKey, derived } = await unwrapped(head, password);
    if (keep && !head.remembered) await Database.rehead(this.#person, await remember(head, vaultKey));
    const entered = await this.#opened(vaultKey, keep || head.remembered !== undefined);
    if (!(await entered.client.hasSession())) await this.#renewed(entered.client, derived.login);
    return entered;
  }

  /** What opens the state opens a session, too. Without a network it is opened later. */
  async #renewed(client: Client, proof: Bytes): Promise<void> {
    try {
      await client.renewSession(proof);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  async #founded(api: Api, name: string, signedIn: SignedIn, keep: boolean): Promise<Entered> {
    const { database, head, vaultKey } = await found(api, this.#person, name, signedIn);
    if (keep) await Database.rehead(this.#person, await remember(head, vaultKey));
    return { client: await Client.open(database, this.#origin, this.#tell), remembered: keep };
  }

  async #opened(vaultKey: Bytes, remembered: boolean): Promise<Entered> {
    const database = await Database.unlock(this.#person, vaultKey);
    return { client: await Client.open(database, this.#origin, this.#tell), remembered };
  }
}

async function unwrapped(head: Head, password: string): Promise<{ vaultKey: Bytes; derived: Derived }> {
  const derived = await derive(password, head.salt);
  try {
    return { derived, vaultKey: unwrapVaultKey(head.wrapped, derived.wrap, head) };
  } catch (error) {
    if (error instanceof Refused) throw new Fault("wrong_password");
    throw error;
  }
}
