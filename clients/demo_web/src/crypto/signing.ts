// Secret keys. Seeds are inputs, so that whoever makes a key decides where its randomness comes from.

import type { Bytes } from "../bytes";
import { fixed, KEY_BYTES } from "./fields";
import { deviceId, LABELS, type Label, type Statement, signedBytes } from "./labels";
import { require } from "./refusals";
import { sodium } from "./sodium";

/** An Ed25519 key from a 32-byte seed (RFC 8032 section 5.1.5). Signs typed statements alone. */
class SigningKey {
  readonly public: Bytes;
  readonly #secret: Bytes;
  readonly #signs: readonly Label[];

  constructor(seed: Bytes, signs: readonly Label[]) {
    const pair = sodium.crypto_sign_seed_keypair(fixed(seed, KEY_BYTES));
    this.public = pair.publicKey;
    this.#secret = pair.privateKey;
    this.#signs = signs;
  }

  /** The detached signature over label || 0x00 || struct; `wrong_signer` for a foreign label. */
  sign(statement: Statement): Bytes {
    require(this.#signs.includes(statement.label), "wrong_signer");
    return sodium.crypto_sign_detached(signedBytes(statement), this.#secret);
  }
}

/** An account's key: signs device lists and nothing else. */
export class IdentityKey extends SigningKey {
  constructor(seed: Bytes) {
    super(seed, ["sotto/v1/list"]);
  }
}

/** A device's key, which never leaves it: signs everything but device lists. */
export class DeviceKey extends SigningKey {
  constructor(seed: Bytes) {
    super(
      seed,
      LABELS.filter((label) => label !== "sotto/v1/list"),
    );
  }

  get id(): Bytes {
    return deviceId(this.public);
  }
}

/** An X25519 key from its 32 secret bytes (RFC 7748). What it opens is the envelope's matter. */
export class BoxKey {
  readonly secret: Bytes;
  readonly public: Bytes;

  constructor(secret: Bytes) {
    this.secret = fixed(secret, KEY_BYTES);
    this.public = sodium.crypto_scalarmult_base(secret);
  }
}
