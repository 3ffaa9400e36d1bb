// Opening: the steps of CRYPTO section 3 "Opening", 0 to 9, in their order; the first failure wins.
// Step 10 is the caller's: commit `Opened.stream`, the message and the key pin in one transaction, then ack.

import { type Bytes, hex, same } from "../bytes";
import {
  BUNDLE_BYTES,
  type Bundle,
  type BundleBody,
  parseBundle,
  requireSignedIn,
  USE,
  type Use,
} from "./bundles";
import { DATED_SLACK_MS, FRESH_MS, SENDS_FOR_MS } from "./clock";
import { HASH_BYTES, KEY_BYTES, Reader, ZERO_HASH } from "./fields";
import { deviceId } from "./labels";
import {
  associated,
  BOX_NONCE_BYTES,
  CONTENT_HEAD_BYTES,
  type Content,
  commitment,
  context,
  decodeContent,
  INNER_HEAD_BYTES,
  INNER_LAYER,
  OUTER_LAYER,
  type Party,
} from "./layers";
import { type DeviceList, deviceOf } from "./lists";
import { type KeyPin, keyFell, requireSoleOwner } from "./pins";
import { type Received, receiveMessage, receivePassing, type Step } from "./receiving";
import { otherwise, Refused, require } from "./refusals";
import { BOX_OVERHEAD_BYTES, CLASS_BUCKETS, FRAME_CLASS, type FrameClass } from "./scopes";
import type { BoxKey } from "./signing";
import { sodium } from "./sodium";

/** Verified lists of one account by version. */
export type Lists = ReadonlyMap<number, DeviceList>;

/** What the server says of a box, as in a `deliver` frame. */
export interface Delivery {
  readonly frameClass: FrameClass;
  readonly scope: Bytes;
  readonly senderDevice: Bytes;
  readonly n: number;
  readonly c: Bytes;
  readonly acceptedAtMs: number;
  readonly keyNo: number;
  readonly box: Bytes;
}

/** One of this device's own box keys. */
export interface HeldKey {
  readonly keyNo: number;
  readonly key: BoxKey;
}

/**
 * What this device has verified for itself about one scope; nothing of it comes from the message. Keys of the maps
 * are hex ids. `senders` has the pinned lists of the account of each present or former member's device; `keyOwners`
 * says whose each known box key is, this device's own keys included.
 */
export interface View {
  readonly devicePk: Bytes;
  readonly ownLists: Lists;
  readonly senders: ReadonlyMap<string, Lists>;
  readonly members: Bytes;
  readonly keyPins: ReadonlyMap<string, KeyPin>;
  readonly keyOwners: (boxPk: string) => Bytes | undefined;
}

/** The key of `keyPins`. */
export const pinKey = (device: Bytes, use: Use, scope: Bytes): string =>
  `${hex(device)}/${use}/${hex(scope)}`;

/** Shown beside a message that was accepted. */
export type Note = "members_differ" | "sent_at_far";

/** An accepted message and everything to commit with it. `contentBytes` and `kf` are what a report reveals. */
export interface Opened {
  readonly content: Content;
  readonly contentBytes: Bytes;
  readonly kf: Bytes;
  readonly bundle: Bundle;
  readonly bundleBytes: Bytes;
  readonly stream: Step;
  readonly notes: readonly Note[];
}

/** What the sealed layer held, its sender verified. */
interface Outer {
  readonly bundle: Bundle;
  readonly bundleBytes: Bytes;
  readonly sender: Party;
  readonly fell: boolean;
  readonly own: DeviceList;
  readonly inner: Bytes;
}

/** Open one box with one key, or throw `Refused` with the first check that failed. */
export function openBox(
  delivery: Delivery,
  held: HeldKey | undefined,
  view: View,
  stream: Received | undefined,
  openedC: Bytes | undefined,
): Opened {
  if (openedC) throw new Refused(same(openedC, delivery.c) ? "already_opened" : "send_fork"); // step 0
  const key = requireShape(delivery, held);
  const outer = openOuter(delivery, key, view, stream);
  const inner = openInner(outer, key);
  requireContext(inner.ctx, outer, key, view);
  const ad = associated(delivery.frameClass, delivery.scope, delivery.senderDevice, delivery.n);
  require(same(commitment(inner.kf, ad, inner.raw), delivery.c), "wrong_commitment"); // step 7
  const content = decodeContent(inner.raw);
  const step = receive(delivery, content, stream, outer.fell);
  const { bundle, bundleBytes } = outer;
  const notes = notesOf(delivery, content, view);
  return { content, contentBytes: inner.raw, kf: inner.kf, bundle, bundleBytes, stream: step, notes };
}

/** Step 1: one of the six lengths (signals from 8,192), and the key number is held. */
function requireShape(delivery: Delivery, held: HeldKey | undefined): HeldKey {
  const bucket = delivery.box.length - BOX_OVERHEAD_BYTES;
  require(CLASS_BUCKETS[delivery.frameClass].includes(bucket), "bad_length");
  if (held?.keyNo !== delivery.keyNo) throw new Refused("key_not_held");
  return held;
}

/** Steps 2 to 4. */
function openOuter(delivery: Delivery, held: HeldKey, view: View, stream: Received | undefined): Outer {
  const { key } = held;
  const opened = otherwise("seal_broken", () =>
    sodium.crypto_box_seal_open(delivery.box, key.public, key.secret),
  );
  const reader = new Reader(opened);
  require(reader.uint(1) === OUTER_LAYER, "outer_layer");
  const bundleBytes = reader.take(BUNDLE_BYTES);
  const { bundle, sender } = verifiedSender(bundleBytes, delivery, view);
  const fell = judgeKey(bundle.body, delivery, view, stream);
  const own = view.ownLists.get(reader.uint(4));
  if (!own || !deviceOf(own, deviceId(view.devicePk))) throw new Refused("own_list_unknown");
  return { bundle, bundleBytes, sender, fell, own, inner: reader.rest() };
}

/** Step 3: the device that the frame names, in the list that its bundle names, signed that bundle. */
function verifiedSender(raw: Bytes, delivery: Delivery, view: View): { bundle: Bundle; sender: Party } {
  const lists = view.senders.get(hex(delivery.senderDevice));
  if (!lists) throw new Refused("unknown_sender");
  const bundle = parseBundle(raw);
  require(same(bundle.body.deviceId, delivery.senderDevice), "wrong_device");
  const pinned = lists.get(bundle.body.listVersion);
  if (!pinned) throw new Refused("list_unknown");
  const { devicePk } = requireSignedIn(bundle, pinned);
  const { account, identityPk } = pinned;
  return { bundle, sender: { account, identityPk, devicePk, boxPk: bundle.body.boxPk } };
}

/**
 * Step 3: use, age and number of the sender's key. A number that fell is excused for a missing seq alone; the seq
 * stands inside, so it is refused here when nothing is missing at all, and else at step 8.
 */
function judgeKey(key: BundleBody, delivery: Delivery, view: View, stream: Received | undefined): boolean {
  const call = delivery.frameClass === FRAME_CLASS.SIGNAL && same(key.scope, delivery.scope);
  require(key.use === USE.MAIL || call, "bad_use");
  require(key.createdMs - DATED_SLACK_MS <= delivery.acceptedAtMs, "dated_off");
  require(delivery.acceptedAtMs < Math.min(key.createdMs + SENDS_FOR_MS, key.expiresMs), "key_too_old");
  requireSoleOwner(view.keyOwners(hex(key.boxPk)), key);
  const fell = keyFell(view.keyPins.get(pinKey(key.deviceId, key.use, key.scope)), key);
  require(!fell || (stream !== undefined && stream.missing.length > 0), "key_fell");
  return fell;
}

/** Step 5: ctx, kf and content. */
function openInner(outer: Outer, held: HeldKey): { ctx: Bytes; kf: Bytes; raw: Bytes } {
  const [nonce, ciphertext] = [outer.inner.slice(0, BOX_NONCE_BYTES), outer.inner.slice(BOX_NONCE_BYTES)];
  const padded = otherwise("inner_broken", () =>
    sodium.crypto_box_open_easy(ciphertext, nonce, outer.sender.boxPk, held.key.secret),
  );
  const plaintext = unpad(padded);
  require(plaintext[0] === INNER_LAYER, "inner_layer");
  require(plaintext.length >= INNER_HEAD_BYTES + CONTENT_HEAD_BYTES, "short_content");
  const reader = new Reader(plaintext.slice(1));
  return { ctx: reader.take(HASH_BYTES), kf: reader.take(KEY_BYTES), raw: reader.rest() };
}

/** The whole of what was opened is one bucket: step 1 saw to that. */
const unpad = (padded: Bytes): Bytes => otherwise("bad_padding", () => sodium.unpad(padded, padded.length));

/** Step 6: both identities as this device knows them. */
function requireContext(ctx: Bytes, outer: Outer, held: HeldKey, view: View): void {
  const { account, identityPk, tenant, listHash } = outer.own;
  const recipient: Party = { account, identityPk, devicePk: view.devicePk, boxPk: held.key.public };
  require(same(ctx, context(tenant, outer.sender, recipient, held.keyNo, listHash)), "wrong_context");
}

/** Step 8. */
function receive(delivery: Delivery, content: Content, stream: Received | undefined, fell: boolean): Step {
  if (delivery.frameClass !== FRAME_CLASS.MESSAGE) return receiveFleeting(delivery, content, stream);
  const filling = stream?.missing.some((entry) => entry.seq === content.seq) ?? false;
  require(filling || !fell, "key_fell");
  return receiveMessage(stream, content.seq, delivery.c, content.prev);
}

function receiveFleeting(delivery: Delivery, content: Content, stream: Received | undefined): Step {
  require(content.seq === delivery.n, "bad_seq");
  require(same(content.prev, ZERO_HASH), "bad_prev");
  const step = receivePassing(stream, delivery.n, delivery.c);
  require(Math.abs(content.sentAtMs - delivery.acceptedAtMs) <= FRESH_MS, "stale");
  return step;
}

/** Step 9. */
function notesOf(delivery: Delivery, content: Content, view: View): Note[] {
  const notes: Note[] = [];
  if (!same(content.members, view.members)) notes.push("members_differ");
  if (Math.abs(content.sentAtMs - delivery.acceptedAtMs) > DATED_SLACK_MS) notes.push("sent_at_far");
  return notes;
}
