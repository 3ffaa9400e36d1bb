// Everything that the client throws. None of it carries what a message said, nor what the server wrote.

import { CATALOGUE } from "../protocol/wire";

export type FaultName =
  | "refused" // the server said no; `code` is of the catalogue
  | "unreachable" // no answer came
  | "bad_answer" // it could not be read, or contradicts what this device knows for itself
  | "wrong_password" // the password does not open the local state
  | "weak_password" // `code` says why
  | "linking_needed" // the account has a device already, and this one holds no identity
  | "state_failed" // the local state can no longer be written
  | "state_damaged" // it cannot be read
  | "state_rolled_back" // the server knows later numbers of this device than its own state
  | "stopped" // the server said not to come back as before
  | "insecure" // the page came without TLS: this browser gives it neither locks nor keys
  | "too_long"
  | "queue_full"
  | "unknown_conversation"
  | "number_changed"; // the safety number that was compared is not that of the pinned keys any more

export class Fault extends Error {
  readonly code: string;
  override readonly name: FaultName;

  constructor(name: FaultName, code = "") {
    super(name);
    this.name = name;
    this.code = code;
  }
}

/** A refusal of the catalogue; one that this version does not know is `unknown`. */
export const refusedBy = (code: string): Fault =>
  new Fault("refused", Object.hasOwn(CATALOGUE, code) ? code : "unknown");
