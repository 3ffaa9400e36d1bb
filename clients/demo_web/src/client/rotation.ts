// Publishing: box keys by their clock, and lists and keys again where the server shows older ones (CRYPTO 2 and 4).

import { type Bytes, same } from "../bytes";
import { SENDS_FOR_MS } from "../crypto/clock";
import type { Api, Signer } from "../protocol/api";
import type { Welcome } from "../protocol/wire";
import { Writes } from "../store/database";
import type { Core } from "./core";
import { Fault } from "./errors";

const ATTEMPTS = 2;
/** Refusals that a new key under a corrected clock may mend. */
const AGAIN = new Set(["clock_wrong", "bundle_refused"]);

/** Keeps the server's copy of this device's statements as new as they must be. */
export class Rotation {
  readonly #core: Core;
  readonly #api: Api;
  #underWay: Promise<void> | undefined;

  constructor(core: Core, api: Api) {
    this.#core = core;
    this.#api = api;
  }

  get #signer(): Signer {
    const { tenant, account } = this.#core.profile;
    return { tenant, account, key: this.#core.device };
  }

  /** Correct the clock by the server's, and give back the server's epoch. */
  async setClock(): Promise<Bytes> {
    const server = await this.#api.server();
    if (!same(server.tenant, this.#core.profile.tenant)) throw new Fault("state_rolled_back");
    this.correct(server.serverTime);
    return server.epoch;
  }

  /** The server's time is this now. */
  correct(serverMs: number): void {
    const writes = new Writes();
    this.#core.keepProfile(writes, { clockOffsetMs: serverMs - this.#core.clock.wallMs() });
    this.#core.save(writes);
  }

  /** Bring up to date what a welcome shows as older than this device knows it. */
  async mend(welcome: Welcome): Promise<void> {
    const { outbox, keys, pins } = this.#core;
    if (welcome.highestN > outbox.n || keys.unknown(welcome.keyNo)) throw new Fault("state_rolled_back");
    for (let version = welcome.listVersion + 1; version <= this.#core.ownList.version; version++)
      await this.#api.publishList(this.#signer, pins.rawOwn(version));
    keys.shown(welcome.keyNo, this.#core.nowMs());
    await this.#core.saved();
    await this.rotate();
  }

  /** Publish a new key if it is due. A key that may still send goes on where that fails. */
  rotate = (): Promise<void> => {
    this.#underWay ??= this.#rotate().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  };

  async #rotate(): Promise<void> {
    const { keys } = this.#core;
    if (!keys.due(this.#core.nowMs(), this.#core.ownList.version)) return;
    const { newest } = keys;
    const sends = newest && this.#core.nowMs() < newest.createdMs + SENDS_FOR_MS;
    try {
      await this.#publish();
    } catch (error) {
      if (!(sends && error instanceof Fault)) throw error;
    }
  }

  async #publish(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#publishNew();
        return;
      } catch (error) {
        if (!(error instanceof Fault) || !AGAIN.has(error.code) || attempt === ATTEMPTS) throw error;
        this.#core.keys.giveUp();
        await this.setClock();
      }
    }
  }

  async #publishNew(): Promise<void> {
    const { keys, device, random, ownList } = this.#core;
    const now = this.#core.nowMs();
    const made = keys.pending(now, ownList.version) ?? keys.make(now, device, ownList, random);
    await this.#core.saved(); // a key that somebody seals to must not be lost
    await this.#api.publishBundle(this.#signer, made.bundle);
    keys.published(made.keyNo, this.#core.nowMs());
    await this.#core.saved();
  }
}
