// Sealing: one commitment for a send, one box for each device that may read it (CRYPTO section 3).

import { type Bytes, type Random, same, systemRandom } from "../bytes";
import { type Bundle, encodeBundle, requireUsable } from "./bundles";
import { SENDS_FOR_MS } from "./clock";
import { KEY_BYTES } from "./fields";
import {
  associated,
  BOX_NONCE_BYTES,
  type Content,
  commitment,
  context,
  encodeContent,
  innerBox,
  innerPlaintext,
  outerPlaintext,
  type Party,
  pad,
  sealed,
} from "./layers";
import { type DeviceList, deviceOf } from "./lists";
import { Refused, require } from "./refusals";
import type { FrameClass } from "./scopes";
import type { BoxKey } from "./signing";

/** One send, committed to. Persist it before sending: a retry seals these same bytes again. */
export interface Committed {
  readonly frameClass: FrameClass;
  readonly scope: Bytes;
  readonly senderDevice: Bytes;
  readonly n: number;
  readonly content: Bytes;
  readonly kf: Bytes;
  readonly c: Bytes;
}

/** The sending device: its account's current list, its current bundle, the secret of that bundle. */
export interface Sender {
  readonly ownList: DeviceList;
  readonly bundle: Bundle;
  readonly boxKey: BoxKey;
}

/** A receiving device: the pinned list of its account and its newest bundle, both verified before. */
export interface Recipient {
  readonly pinnedList: DeviceList;
  readonly bundle: Bundle;
}

/** One row of a `send`. */
export interface SealedBox {
  readonly deviceId: Bytes;
  readonly keyNo: number;
  readonly box: Bytes;
}

/** Commit to a content under a fresh kf. Classes 2 and 3 carry seq = n and no prev, by the caller's hand. */
export function commit(
  place: Pick<Committed, "frameClass" | "scope" | "senderDevice" | "n">,
  content: Content,
  random: Random = systemRandom,
): Committed {
  const raw = encodeContent(content);
  const kf = random(KEY_BYTES);
  const ad = associated(place.frameClass, place.scope, place.senderDevice, place.n);
  return { ...place, content: raw, kf, c: commitment(kf, ad, raw) };
}

/** One box for each recipient device. Draws a nonce of 24 and an ephemeral secret of 32 bytes for each. */
export function seal(
  send: Committed,
  sender: Sender,
  recipients: readonly Recipient[],
  nowMs: number,
  random: Random = systemRandom,
): SealedBox[] {
  const own = sender.bundle.body;
  require(nowMs < own.createdMs + SENDS_FOR_MS, "key_too_old");
  require(same(sender.boxKey.public, own.boxPk), "key_not_held");
  require(same(send.senderDevice, own.deviceId), "wrong_device");
  return recipients.map((recipient) => sealOne(send, sender, recipient, nowMs, random));
}

function sealOne(send: Committed, sender: Sender, to: Recipient, nowMs: number, random: Random): SealedBox {
  const key = to.bundle.body;
  requireUsable(key, nowMs);
  const [from, towards] = [partyOf(sender.ownList, sender.bundle), partyOf(to.pinnedList, to.bundle)];
  const ctx = context(sender.ownList.tenant, from, towards, key.keyNo, to.pinnedList.listHash);
  const padded = pad(send.frameClass, innerPlaintext(ctx, send.kf, send.content));
  const inner = innerBox(padded, key.boxPk, sender.boxKey.secret, random(BOX_NONCE_BYTES));
  const outer = outerPlaintext(encodeBundle(sender.bundle), to.pinnedList.version, inner);
  return { deviceId: key.deviceId, keyNo: key.keyNo, box: sealed(outer, key.boxPk, random(KEY_BYTES)) };
}

function partyOf(list: DeviceList, bundle: Bundle): Party {
  const device = deviceOf(list, bundle.body.deviceId);
  if (!device) throw new Refused("wrong_device");
  return {
    account: list.account,
    identityPk: list.identityPk,
    devicePk: device.devicePk,
    boxPk: bundle.body.boxPk,
  };
}
