// Why something sealed or signed was not accepted: the stable names of crypto/refusals.py.

export type Reason =
  // Shape of any value
  | "bad_width"
  | "number_range"
  | "bad_length"
  | "bad_version"
  | "bad_flags"
  | "bad_text"
  // Keys and signatures
  | "weak_key"
  | "wrong_signer"
  | "bad_signature"
  | "dated_off"
  // Device lists
  | "device_count"
  | "unsorted"
  | "wrong_account"
  | "broken_chain"
  | "identity_changed"
  | "empty_reset"
  | "extra_signature"
  | "rollback"
  | "list_fork"
  // Bundles
  | "bad_suite"
  | "bad_use"
  | "bad_lifetime"
  | "wrong_device"
  | "wrong_list"
  | "key_expired"
  | "key_fell"
  | "key_fork"
  | "shared_box_key"
  // Opening, in the order of its steps
  | "already_opened"
  | "send_fork"
  | "key_not_held"
  | "seal_broken"
  | "outer_layer"
  | "unknown_sender"
  | "list_unknown"
  | "key_too_old"
  | "own_list_unknown"
  | "inner_broken"
  | "bad_padding"
  | "inner_layer"
  | "short_content"
  | "wrong_context"
  | "wrong_commitment"
  | "bad_seq"
  | "bad_prev"
  | "seq_fork"
  | "seq_too_old"
  | "not_growing"
  | "stale"
  // Sealing and vault
  | "too_long"
  | "vault_locked"
  | "record_broken";

/** A check failed. The text never holds a value that came from a peer. */
export class Refused extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

/** Throws `Refused(reason)` unless the check holds. */
export function require(holds: boolean, reason: Reason): asserts holds {
  if (!holds) throw new Refused(reason);
}

/** What `make` gives, or `Refused(reason)` where libsodium throws: its own texts say nothing stable. */
export function otherwise<T>(reason: Reason, make: () => T): T {
  try {
    return make();
  } catch {
    throw new Refused(reason);
  }
}
