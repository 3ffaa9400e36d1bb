// What a box says about its place: its class, its size, its conversation's members (CRYPTO section 3).

import { type Bytes, compare, concat } from "../bytes";
import { fixed, ID_BYTES, KEY_BYTES } from "./fields";
import { H } from "./labels";

export const BUCKETS = [256, 1_024, 4_096, 8_192, 16_384, 49_152] as const;
export const BOX_OVERHEAD_BYTES = 288;
export const COMMITMENT_BYTES = 32;

/** What kind of frame carries a box. */
export const FRAME_CLASS = { MESSAGE: 1, FLEETING: 2, SIGNAL: 3 } as const;
export type FrameClass = (typeof FRAME_CLASS)[keyof typeof FRAME_CLASS];

/** Signals begin at 8,192: descriptions of a session do not tell their length. */
export const CLASS_BUCKETS: Record<FrameClass, readonly number[]> = {
  1: BUCKETS,
  2: BUCKETS,
  3: BUCKETS.slice(3),
};

/** Each value once, in the order of its bytes. */
function sortedOnce(values: Bytes[]): Bytes[] {
  const sorted = values.toSorted(compare);
  return sorted.filter((value, at) => at === 0 || compare(sorted[at - 1] ?? value, value) !== 0);
}

/** H("sotto/v1/members", scope, sorted(account 16 || identity_pk 32)...), each pair once. */
export function membersHash(scope: Bytes, members: Iterable<readonly [Bytes, Bytes]>): Bytes {
  const pairs = Array.from(members, ([account, identity]) =>
    concat(fixed(account, ID_BYTES), fixed(identity, KEY_BYTES)),
  );
  return H("sotto/v1/members", fixed(scope, ID_BYTES), ...sortedOnce(pairs));
}

/** H("sotto/v1/set", sorted device ids), each 16 bytes and once. */
export function setHash(deviceIds: Iterable<Bytes>): Bytes {
  return H("sotto/v1/set", ...sortedOnce(Array.from(deviceIds, (device) => fixed(device, ID_BYTES))));
}
