// What the password opens, and how local records are kept (CRYPTO section 8).

import { type Bytes, concat, type Random, systemRandom } from "../bytes";
import { counted, fixed, ID_BYTES, KEY_BYTES, u8, utf8 } from "./fields";
import { labelled } from "./labels";
import { otherwise, type Reason, require } from "./refusals";
import { sodium } from "./sodium";

export const SALT_BYTES = 16;
const PASSES = 3;
const MEMORY_BYTES = 64 * 1024 * 1024;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const VERSION = 1;

/** The two halves of a stretched password. Only `login` ever leaves the device. */
export interface Derived {
  /** First 32: the server gets it and hashes it again. */
  readonly login: Bytes;
  /** Last 32: opens the vault key. */
  readonly wrap: Bytes;
}

/**
 * argon2id (RFC 9106; t=3, 64 MiB, one lane) of the password's NFKC form in UTF-8, to 64 bytes. NFKC as NIST
 * SP 800-63B asks, so that the same password typed on another keyboard opens the same vault.
 *
 * libsodium's larger build is loaded only here: nothing but a password needs it.
 */
export async function derive(password: string, salt: Bytes): Promise<Derived> {
  const typed = utf8(password.normalize("NFKC"));
  fixed(salt, SALT_BYTES);
  const { default: sumo } = await import("libsodium-wrappers-sumo");
  await sumo.ready;
  const stretched = sumo.crypto_pwhash(
    2 * KEY_BYTES,
    typed,
    salt,
    PASSES,
    MEMORY_BYTES,
    sumo.crypto_pwhash_ALG_ARGON2ID13,
  );
  return { login: stretched.slice(0, KEY_BYTES), wrap: stretched.slice(KEY_BYTES) };
}

/** Whose vault a wrapped key opens. */
export interface VaultOwner {
  readonly tenant: Bytes;
  readonly account: Bytes;
}

/** 0x01, nonce 24, XChaCha20-Poly1305 of V: 73 bytes. Bound to the account it belongs to. */
export function wrapVaultKey(
  vaultKey: Bytes,
  wrap: Bytes,
  owner: VaultOwner,
  random: Random = systemRandom,
): Bytes {
  return concat(u8(VERSION), encrypt(fixed(vaultKey, KEY_BYTES), wrapAd(owner), wrap, random));
}

/** V, or `vault_locked`: the wrong password, another account's, or changed bytes. */
export function unwrapVaultKey(wrapped: Bytes, wrap: Bytes, owner: VaultOwner): Bytes {
  require(wrapped[0] === VERSION, "bad_version");
  return decrypt(wrapped.slice(1), wrapAd(owner), wrap, "vault_locked");
}

/** 0x01, nonce 24, XChaCha20-Poly1305 under V; store and key are the associated data: 41 bytes longer. */
export function sealRecord(
  vaultKey: Bytes,
  store: string,
  key: Bytes,
  plaintext: Bytes,
  random: Random = systemRandom,
): Bytes {
  return concat(u8(VERSION), encrypt(plaintext, recordAd(store, key), vaultKey, random));
}

/** The plaintext, or `record_broken`: changed, or moved to another store or key. */
export function openRecord(vaultKey: Bytes, store: string, key: Bytes, record: Bytes): Bytes {
  require(record[0] === VERSION, "bad_version");
  return decrypt(record.slice(1), recordAd(store, key), vaultKey, "record_broken");
}

const wrapAd = (owner: VaultOwner): Bytes =>
  labelled("sotto/v1/vault", concat(fixed(owner.tenant, ID_BYTES), fixed(owner.account, ID_BYTES)));

const recordAd = (store: string, key: Bytes): Bytes =>
  labelled("sotto/v1/record", concat(counted(utf8(store)), counted(key)));

function encrypt(plaintext: Bytes, ad: Bytes, secret: Bytes, random: Random): Bytes {
  const nonce = random(NONCE_BYTES);
  const key = fixed(secret, KEY_BYTES);
  return concat(nonce, sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, ad, null, nonce, key));
}

function decrypt(sealed: Bytes, ad: Bytes, secret: Bytes, reason: Reason): Bytes {
  require(sealed.length >= NONCE_BYTES + TAG_BYTES, reason);
  const [nonce, ciphertext] = [sealed.slice(0, NONCE_BYTES), sealed.slice(NONCE_BYTES)];
  const key = fixed(secret, KEY_BYTES);
  return otherwise(reason, () =>
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, ad, nonce, key),
  );
}
