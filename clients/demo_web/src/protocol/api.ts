// The server's HTTP side, one method for each request. No cookie, no redirect, nothing of an answer in an error.
//
// The session's token lives in this worker alone and is kept sealed in the vault: no script of the page can read it,
// and two people in two tabs of one browser do not share a cookie.

import { type Bytes, base64url, concat, encodeText, type Random, systemRandom } from "../bytes";
import { Fault, refusedBy } from "../client/errors";
import type { DeviceKey } from "../crypto/signing";
import { bodyHash, httpStatement, NONCE_BYTES } from "../crypto/statements";
import {
  Answer,
  type Bundles,
  type Me,
  readBundles,
  readLists,
  readMe,
  readServer,
  readSession,
  readTalks,
  type Server,
  type Session,
  type TalkInfo,
} from "./answers";

const TIMEOUT_MS = 8_000;
const NO_CONTENT = 204;

/** The device whose word a request carries. */
export interface Signer {
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly key: DeviceKey;
}

type Body = Record<string, string | Bytes>;

export class Api {
  readonly origin: string;
  token: Bytes = new Uint8Array(0);
  readonly #random: Random;

  constructor(origin: string, random: Random = systemRandom) {
    this.origin = origin;
    this.#random = random;
  }

  // Anybody

  /** Tenant, epoch and time. */
  async server(): Promise<Server> {
    return this.#ask("GET", "/v1/server", readServer);
  }

  /** The login salt of a name. */
  async salt(name: string): Promise<Bytes> {
    return this.#ask("POST", "/v1/salt", (answer) => answer.bytes("salt"), { name });
  }

  /** Use an invitation. */
  async join(code: string, name: string, salt: Bytes, proof: Bytes): Promise<void> {
    await this.#send("POST", "/v1/accounts", { code, name, salt, proof });
  }

  /** A new session; its token is used from now on. */
  async signIn(name: string, proof: Bytes, place: Bytes): Promise<Session> {
    const known: Body = place.length ? { place } : {};
    const session = await this.#ask("POST", "/v1/sessions", readSession, { name, proof, ...known });
    this.token = session.token;
    return session;
  }

  // A session

  async signOut(): Promise<void> {
    await this.#send("DELETE", "/v1/sessions/current");
    this.token = new Uint8Array(0);
  }

  async me(): Promise<Me> {
    return this.#ask("GET", "/v1/me", readMe);
  }

  /** A ticket for one hello. */
  async ticket(device: Bytes): Promise<Bytes> {
    return this.#ask("POST", "/v1/tickets", (answer) => answer.bytes("ticket"), { device });
  }

  async conversations(): Promise<TalkInfo[]> {
    return this.#ask("GET", "/v1/conversations", readTalks);
  }

  /** The versions of an account's list above `after`, oldest first. */
  async lists(account: Bytes, after: number): Promise<Bytes[]> {
    const found: Bytes[] = [];
    for (let from = after; ; ) {
      const path = `/v1/accounts/${base64url(account)}/lists?after=${from}`;
      const page = await this.#ask("GET", path, readLists);
      found.push(...page.lists.map((entry) => entry.list));
      const last = page.lists.at(-1)?.version ?? 0;
      if (!page.more || last <= from) return found;
      from = last;
    }
  }

  /** The newest lists and mail keys of a conversation. */
  async bundles(scope: Bytes): Promise<Bundles> {
    return this.#ask("GET", `/v1/conversations/${base64url(scope)}/bundles`, readBundles);
  }

  // A device's word; a repeat of the same bytes is no fault

  async register(signer: Signer, name: string, list: Bytes): Promise<void> {
    await this.#send("POST", "/v1/devices", { device_pk: signer.key.public, name, list }, signer);
  }

  async publishList(signer: Signer, list: Bytes): Promise<void> {
    await this.#send("POST", "/v1/lists", { list }, signer);
  }

  async publishBundle(signer: Signer, bundle: Bytes): Promise<void> {
    await this.#send("POST", "/v1/bundles", { bundle }, signer);
  }

  // Inside

  async #ask<T>(method: string, path: string, read: (answer: Answer) => T, body?: Body): Promise<T> {
    const response = await this.#send(method, path, body);
    try {
      return read(new Answer(response));
    } catch {
      throw new Fault("bad_answer");
    }
  }

  /** The JSON of the answer; undefined where it has none. */
  async #send(method: string, path: string, body?: Body, signer?: Signer): Promise<unknown> {
    const payload = body ? encodeText(JSON.stringify(body, asText)) : undefined;
    const response = await this.#exchange(method, path, payload, signer);
    if (response.status === NO_CONTENT) return undefined;
    const found = await readJson(response);
    if (!response.ok) throw refusedBy(codeOf(found));
    return found;
  }

  async #exchange(
    method: string,
    path: string,
    payload: Bytes | undefined,
    signer?: Signer,
  ): Promise<Response> {
    const headers = new Headers({ Accept: "application/json" });
    if (payload) headers.set("Content-Type", "application/json");
    if (this.token.length) headers.set("Authorization", `Bearer ${base64url(this.token)}`);
    if (signer) headers.set("Sotto-Statement", this.#statement(signer, method, path, payload));
    try {
      return await fetch(this.origin + path, {
        method,
        headers,
        body: (payload as Uint8Array<ArrayBuffer> | undefined) ?? null,
        credentials: "omit",
        redirect: "error",
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new Fault("unreachable");
    }
  }

  /** Device id 16, nonce 32, signature 64 (CRYPTO section 4). */
  #statement(signer: Signer, method: string, path: string, payload?: Bytes): string {
    const nonce = this.#random(NONCE_BYTES);
    const { tenant, account, key } = signer;
    const said = { tenant, account, deviceId: key.id, method, path, nonce };
    const signature = key.sign(httpStatement({ ...said, bodyHash: bodyHash(payload ?? new Uint8Array(0)) }));
    return base64url(concat(key.id, nonce, signature));
  }
}

/** Bytes travel as base64url. JSON.stringify would write an array's items one by one. */
const asText = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? base64url(value) : value;

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new Fault(response.ok ? "bad_answer" : "unreachable"); // a proxy's error page is no answer of the server
  }
}

function codeOf(found: unknown): string {
  try {
    return new Answer(found).text("code");
  } catch {
    throw new Fault("bad_answer");
  }
}
