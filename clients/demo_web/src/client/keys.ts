// The box keys of this device and their clock, as a value machine (CRYPTO section 2 "Box key clock").
//
// A key is made when the newest published one is 24 h old or was made under an older list; it is durable before it is
// published. It sends until it is 48 h old, and receives until it is destroyed: at the first `current` at least 15
// minutes after it was replaced, and 61 days after it was made whatever happens. Times are server ms.

import { type Bytes, hex, type Random } from "../bytes";
import { encodeBundle, mailBody, parseBundle, signBundle } from "../crypto/bundles";
import { DATED_SLACK_MS, DESTROY_AFTER_MS, ROTATE_AFTER_MS, SECRET_LIFE_MS } from "../crypto/clock";
import { KEY_BYTES } from "../crypto/fields";
import type { DeviceList } from "../crypto/lists";
import type { HeldKey } from "../crypto/opening";
import type { Sender } from "../crypto/sealing";
import { BoxKey, type DeviceKey } from "../crypto/signing";
import { type BoxSecret, NOTHING } from "../store/records";

/** Owns the box secrets. `takeChanges` names those to write, and by undefined those to destroy. */
export class KeyRing {
  readonly #secrets: Map<number, BoxSecret>;
  #changes = new Map<number, BoxSecret | undefined>();

  constructor(secrets: Iterable<BoxSecret>) {
    const sorted = [...secrets].sort((one, other) => one.keyNo - other.keyNo);
    this.#secrets = new Map(sorted.map((secret) => [secret.keyNo, secret]));
  }

  get #highest(): number {
    return Math.max(0, ...this.#secrets.keys());
  }

  /** The newest key that the server has published. */
  get newest(): BoxSecret | undefined {
    return [...this.#secrets.values()].findLast((secret) => secret.published);
  }

  takeChanges(): Map<number, BoxSecret | undefined> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }

  /** Whether a new key must be made and published before anything is sent. */
  due(nowMs: number, listVersion: number): boolean {
    const { newest } = this;
    if (!newest || newest.keyNo < this.#highest || newest.listVersion !== listVersion) return true;
    return nowMs - newest.createdMs >= ROTATE_AFTER_MS;
  }

  /** A key made a moment ago whose publication got no answer: it may be published again as it is. */
  pending(nowMs: number, listVersion: number): BoxSecret | undefined {
    const last = this.#secrets.get(this.#highest);
    if (!last || last.published || !last.secret.length || last.listVersion !== listVersion) return undefined;
    return nowMs - last.createdMs < DATED_SLACK_MS / 2 ? last : undefined;
  }

  /**
   * A new key with its signed bundle, to be made durable and then published. Its number is above every number that
   * was ever used, published or not: an answer may have been lost.
   */
  make(nowMs: number, device: DeviceKey, own: DeviceList, random: Random): BoxSecret {
    const keyNo = this.#highest + 1;
    const secret = random(KEY_BYTES);
    const boxPk = new BoxKey(secret).public;
    const body = mailBody({
      deviceId: device.id,
      keyNo,
      createdMs: nowMs,
      boxPk,
      listVersion: own.version,
    });
    const bundle = encodeBundle(signBundle(body, device, own));
    const made = { keyNo, secret, createdMs: nowMs, listVersion: own.version, bundle };
    return this.#put({ ...made, published: false, replacedAt: 0 });
  }

  /** The server will not have the pending key: the next one gets a number above it. */
  giveUp(): void {
    const last = this.#secrets.get(this.#highest);
    if (last && !last.published) this.#put({ ...last, secret: NOTHING });
  }

  /** The server published this key at that time, and with it replaced all older ones. */
  published(keyNo: number, atMs: number): void {
    for (const secret of [...this.#secrets.values()]) {
      if (secret.keyNo === keyNo) this.#put({ ...secret, published: true });
      else if (secret.keyNo < keyNo && !secret.replacedAt) this.#put({ ...secret, replacedAt: atMs });
    }
  }

  /** Whether the server shows a key that this device never made: its state is an old copy. */
  unknown(keyNo: number): boolean {
    return keyNo > this.#highest;
  }

  /**
   * The server's newest key of this device is this one. A later one than known here as published was published, and
   * its answer lost; an earlier one tells of a restored store, and what the server no longer has is not published.
   */
  shown(keyNo: number, atMs: number): void {
    const secret = this.#secrets.get(keyNo);
    if (secret && !secret.published) this.published(keyNo, atMs);
    for (const other of [...this.#secrets.values()])
      if (other.keyNo > keyNo && other.published) this.#put({ ...other, published: false });
  }

  /** This device as a sender, with its newest published key; undefined before there is one. */
  sender(ownList: DeviceList): Sender | undefined {
    const { newest } = this;
    if (!newest?.secret.length) return undefined;
    return { ownList, bundle: parseBundle(newest.bundle), boxKey: new BoxKey(newest.secret) };
  }

  /** The key with this number, while its secret exists. */
  held(keyNo: number): HeldKey | undefined {
    const found = this.#secrets.get(keyNo);
    return found?.secret.length ? { keyNo, key: new BoxKey(found.secret) } : undefined;
  }

  /** Whose each of these box keys is: all are this device's. */
  owners(): Map<string, Bytes> {
    const bodies = [...this.#secrets.values()].map((secret) => parseBundle(secret.bundle).body);
    return new Map(bodies.map((body) => [hex(body.boxPk), body.deviceId]));
  }

  /** Everything receipted before was opened and committed: destroy what was replaced long enough ago. */
  current(atMs: number): void {
    this.#destroy((secret) => secret.replacedAt > 0 && atMs >= secret.replacedAt + DESTROY_AFTER_MS);
  }

  /** Destroy what is 61 days old, delivered or not. */
  tick(nowMs: number): void {
    this.#destroy((secret) => secret.secret.length > 0 && nowMs >= secret.createdMs + SECRET_LIFE_MS);
  }

  /** The highest number stays on record without its secret, because numbers never go back. */
  #destroy(over: (secret: BoxSecret) => boolean): void {
    for (const secret of [...this.#secrets.values()].filter(over)) {
      if (secret.keyNo === this.#highest) {
        if (secret.secret.length) this.#put({ ...secret, secret: NOTHING });
      } else {
        this.#secrets.delete(secret.keyNo);
        this.#changes.set(secret.keyNo, undefined);
      }
    }
  }

  #put(secret: BoxSecret): BoxSecret {
    this.#secrets.set(secret.keyNo, secret);
    this.#changes.set(secret.keyNo, secret);
    return secret;
  }
}
