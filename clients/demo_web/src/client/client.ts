// The client: one account on one device, as the worker holds it.
//
// What was sent or received is in the encrypted local state before anybody is told of it; closing loses nothing.

import { type Bytes, encodeText, hex, same, unhex } from "../bytes";
import { SECRET_LIFE_MS } from "../crypto/clock";
import { MAX_INTEGER } from "../crypto/fields";
import type { Session } from "../protocol/answers";
import { Api } from "../protocol/api";
import { Route } from "../protocol/route";
import { bodyLimit } from "../protocol/sizes";
import { socketio } from "../protocol/socketio";
import { websocket } from "../protocol/websocket";
import { type Database, Writes } from "../store/database";
import { page } from "../store/history";
import { forgetOpened, load } from "../store/loading";
import { NOTHING, type Outgoing, type ReadMark, STORE } from "../store/records";
import { signIn } from "./account";
import { type Clock, systemClock } from "./clock";
import { Core } from "./core";
import { Directory } from "./directory";
import { Fault } from "./errors";
import { Online } from "./online";
import { type Entry, KIND, type Tell } from "./values";

/** Made by `open`; connected between `start` and `close`. */
export class Client {
  readonly core: Core;
  readonly directory: Directory;
  readonly #api: Api;
  readonly #online: Online;

  private constructor(core: Core, api: Api, kept: number) {
    this.core = core;
    this.#api = api;
    this.directory = new Directory(core, api);
    const ways = { native: websocket(api.origin), fallback: socketio(api.origin, () => api.token) };
    this.#online = new Online(core, api, this.directory, new Route(ways), kept);
  }

  /** The client of an unlocked state. */
  static async open(
    database: Database,
    origin: string,
    tell: Tell,
    clock: Clock = systemClock,
  ): Promise<Client> {
    const loaded = await load(database);
    const core = new Core(database, loaded, clock, tell);
    await forgetOpened(database, core.nowMs() - SECRET_LIFE_MS);
    const api = new Api(origin);
    api.token = core.profile.token;
    return new Client(core, api, loaded.unreadable);
  }

  /** Connect, and stay connected. */
  start(): void {
    void this.#online.run();
  }

  /** Leave, write what waits, let go of the state. What is queued is sent at the next start. */
  async close(): Promise<void> {
    this.#online.end();
    await this.core.saved().catch(() => undefined);
    await this.core.database.close();
  }

  // The session

  /** Sign in again after the session ended. */
  async signIn(password: string): Promise<void> {
    const { name, place } = this.core.profile;
    const { session } = await signIn(this.#api, name, password, place);
    await this.#keepSession(session);
    this.#online.signedIn();
  }

  /** A session that was just opened with the password that opened the state. */
  async renewSession(proof: Bytes): Promise<void> {
    const { name, place } = this.core.profile;
    await this.#keepSession(await this.#api.signIn(name, proof, place));
  }

  /** Whether the stored session still leads in; a network that does not answer says nothing against it. */
  async hasSession(): Promise<boolean> {
    if (!this.#api.token.length) return false;
    try {
      await this.#api.me();
      return true;
    } catch (error) {
      return error instanceof Fault && error.name !== "refused";
    }
  }

  /** End the session. The local state stays, and so does what is queued. */
  async signOut(): Promise<void> {
    this.#online.leave();
    await this.#api.signOut();
    await this.#keepSession({ token: NOTHING, place: this.core.profile.place, endsAt: 0 });
  }

  async #keepSession(session: Session): Promise<void> {
    const writes = new Writes();
    const { token, place, endsAt } = session;
    this.core.keepProfile(writes, { token, place, sessionEndsAt: endsAt });
    await this.core.saved(writes);
  }

  /** The browser says that the network came or went. */
  network(there: boolean): void {
    this.#online.network(there);
  }

  /** The person did something at the page. What the page does by itself must never call this. */
  active(): void {
    this.#online.active();
  }

  // Messages

  /** The longest text, in bytes of UTF-8, that this conversation can carry now. */
  textLimit(scope: Bytes): number {
    const present = this.directory.present(scope);
    return bodyLimit(Math.max(1, this.core.pins.recipients(present, this.core.nowMs()).length));
  }

  /** Queue a text; it is durable when this resolves, and goes out when it can. */
  async send(scope: Bytes, text: string): Promise<void> {
    const { core } = this;
    const body = encodeText(text);
    if (!this.directory.talk(scope).member) throw new Fault("unknown_conversation");
    if (body.length > this.textLimit(scope)) throw new Fault("too_long");
    const numbers = { item: core.nextItem(), place: core.nextPlace(), n: 0, seq: 0, resealed: 0 };
    const empty = { content: NOTHING, kf: NOTHING, c: NOTHING, refusal: "" };
    const queued = { kind: KIND.TEXT, queuedAt: core.nowMs(), stage: "queued" as const };
    const item: Outgoing = { ...numbers, ...empty, ...queued, scope, body };
    core.outbox.add(item);
    await core.saved();
    core.tellStage(item);
    core.tell({ event: "talks" });
    this.#online.wake();
  }

  /** At most `limit` messages and gaps below the place `before`, oldest first, as they stand. */
  async history(scope: Bytes, before = MAX_INTEGER, limit = 50): Promise<Entry[]> {
    const entries = await page(this.core.database, scope, before, limit);
    return entries.map((entry) => this.#asItStands(entry));
  }

  #asItStands(entry: Entry): Entry {
    if (entry.type !== "message" || !entry.outgoing || entry.stage !== "queued") return entry;
    const waiting = this.core.outbox.at(entry.place);
    return waiting && this.core.outbox.onWire(waiting) ? { ...entry, stage: "sent" } : entry;
  }

  /** Try what waits now instead of later. */
  retry(scope: Bytes): void {
    this.#online.wake(scope);
  }

  /** This person has read everything that is here. */
  async read(scope: Bytes): Promise<void> {
    const talk = this.directory.talk(scope);
    const heads = this.core.streams.heads(scope);
    const seqs = (marks: readonly ReadMark[]) => marks.map((mark) => mark.seq).join();
    const news = seqs(heads) !== seqs(talk.read);
    if (!news && talk.unread === 0) return;
    const writes = new Writes();
    this.core.keepTalk(writes, scope, { ...talk, read: heads, unread: 0 });
    await this.core.saved(writes);
    if (news) this.#online.read(scope);
  }

  typing(scope: Bytes, on: boolean): void {
    this.#online.typing(scope, on);
  }

  /** What was written and not sent, kept encrypted over a reload. */
  async keepDraft(scope: Bytes, text: string): Promise<void> {
    const writes = new Writes();
    this.core.drafts.set(hex(scope), text);
    writes.put(STORE.DRAFT, scope, encodeText(text));
    await this.core.saved(writes);
  }

  // People

  /** This safety number was compared and is the same on both sides; `holds` false takes that back. */
  async verify(account: Bytes, number: string, holds: boolean): Promise<void> {
    if (this.core.pins.safety(account) !== number) throw new Fault("number_changed");
    this.core.pins.verify(account, holds);
    await this.core.saved();
    this.core.tell({ event: "talks" });
    for (const talk of this.#scopesWith(account)) this.#online.wake(talk);
  }

  /** The person accepts that exactly those who were shown can read, and the queue goes on. */
  async approve(scope: Bytes, shown: readonly { account: Bytes; identity: Bytes }[]): Promise<Bytes[]> {
    const left = await this.directory.approve(scope, shown);
    this.core.tell({ event: "talks" });
    this.#online.wake(scope);
    return left;
  }

  #scopesWith(account: Bytes): Bytes[] {
    const scopes = [...this.core.talks].filter(([, talk]) =>
      talk.people.some((one) => same(one.account, account)),
    );
    return scopes.map(([scope]) => unhex(scope));
  }
}
