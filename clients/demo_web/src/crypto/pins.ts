// What a client holds fast about others: the list it saw last, the key it saw last (CRYPTO section 2).

import { type Bytes, same } from "../bytes";
import type { BundleBody } from "./bundles";
import type { DeviceList } from "./lists";
import { require } from "./refusals";

/** The newest verified list of an account. */
export interface ListPin {
  readonly version: number;
  readonly listHash: Bytes;
}

/** The highest key number seen of one (device, use, scope), with its key. */
export interface KeyPin {
  readonly keyNo: number;
  readonly boxPk: Bytes;
}

/** Refuse a lower version (`rollback`) and the pinned version with another hash (`list_fork`). */
export function requireNoRollback(pin: ListPin, seen: DeviceList): void {
  require(seen.version >= pin.version, "rollback");
  require(!(seen.version === pin.version && !same(seen.listHash, pin.listHash)), "list_fork");
}

/** Whether a key number is lower than the pinned one; the same number with another key is a `key_fork`. */
export function keyFell(pin: KeyPin | undefined, seen: BundleBody): boolean {
  if (!pin) return false;
  require(!(seen.keyNo === pin.keyNo && !same(seen.boxPk, pin.boxPk)), "key_fork");
  return seen.keyNo < pin.keyNo;
}

/** Refuse a box key that is known as another device's; `owner` is the device id it is known under. */
export function requireSoleOwner(owner: Bytes | undefined, seen: BundleBody): void {
  require(!owner || same(owner, seen.deviceId), "shared_box_key");
}
