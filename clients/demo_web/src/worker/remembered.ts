// A state that this browser opens without the password: V under an AES key that no script can read out.
//
// For demo people alone, whose password stands in their link. Whoever has this browser has their messages; that is
// weaker than a password (CRYPTO section 8), and the page says so.

import { type Bytes, systemRandom } from "../bytes";
import type { Head } from "../store/database";

const NONCE_BYTES = 12;
type Buffered = Uint8Array<ArrayBuffer>;

export async function remember(head: Head, vaultKey: Bytes): Promise<Head> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  const nonce = systemRandom(NONCE_BYTES);
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce as Buffered },
    key,
    vaultKey as Buffered,
  );
  return { ...head, remembered: { key, nonce, wrapped: new Uint8Array(sealed) } };
}

/** V, or undefined where it was not remembered. */
export async function recall(head: Head): Promise<Bytes | undefined> {
  const kept = head.remembered;
  if (!kept) return undefined;
  const algorithm = { name: "AES-GCM", iv: kept.nonce as Buffered };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, kept.key, kept.wrapped as Buffered));
}
