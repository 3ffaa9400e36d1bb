// The values of the vectors: from a case's JSON, and back into it. Bytes are hex, times ms.

import { type Bytes, concat, hex, type Random, unhex } from "../../src/bytes";
import type { Use } from "../../src/crypto/bundles";
import { deviceId, type Statement } from "../../src/crypto/labels";
import type { Content } from "../../src/crypto/layers";
import { type DeviceList, parseList } from "../../src/crypto/lists";
import { type Delivery, type Opened, pinKey, type View } from "../../src/crypto/opening";
import type { KeyPin } from "../../src/crypto/pins";
import type { Received } from "../../src/crypto/receiving";
import type { FrameClass } from "../../src/crypto/scopes";
import { helloStatement, httpStatement, type Transport } from "../../src/crypto/statements";

// biome-ignore lint/suspicious/noExplicitAny: a vector's fields are as its operation says
export type Json = any;

export const optional = (value: string | null): Bytes | undefined =>
  value === null ? undefined : unhex(value);

/** Randomness that hands out the given pieces in order, each asked for at its own length. */
export function drawing(pieces: string[]): Random {
  const left = pieces.map(unhex);
  return (count) => {
    const piece = left.shift();
    if (piece?.length !== count) throw new Error("a piece of randomness has the wrong length");
    return piece;
  };
}

/** A list at hand, its own signature checked. */
export const listIn = (raw: string): DeviceList => parseList(unhex(raw)).body;

/** A hello or an HTTPS statement, as its label says. */
export function statementIn(given: Json): Statement {
  const tenant = unhex(given.tenant);
  const account = unhex(given.account);
  const device = unhex(given.device_id);
  if (given.label === "sotto/v1/hello")
    return helloStatement({
      tenant,
      account,
      deviceId: device,
      origin: given.origin,
      ticketHash: unhex(given.ticket_hash),
      transport: given.transport as Transport,
      listVersion: given.list_version,
      listHash: unhex(given.list_hash),
      keyNo: given.key_no,
      epoch: unhex(given.epoch),
    });
  return httpStatement({
    tenant,
    account,
    deviceId: device,
    method: given.method,
    path: given.path,
    bodyHash: unhex(given.body_hash),
    nonce: unhex(given.nonce),
  });
}

/** A content; a long body stands as a piece and how many times it is repeated. */
export function contentIn(given: Json): Content {
  const piece = unhex(given.body);
  const body = concat(...Array.from({ length: given.times ?? 1 }, () => piece));
  const { kind, seq } = given;
  return {
    kind,
    seq,
    sentAtMs: given.sent_at_ms,
    prev: unhex(given.prev),
    members: unhex(given.members),
    body,
  };
}

const contentOut = (content: Content): Json => ({
  kind: content.kind,
  seq: content.seq,
  sent_at_ms: content.sentAtMs,
  prev: hex(content.prev),
  members: hex(content.members),
  body: hex(content.body),
});

export const deliveryIn = (given: Json): Delivery => ({
  frameClass: given.class as FrameClass,
  scope: unhex(given.scope),
  senderDevice: unhex(given.sender_device),
  n: given.n,
  c: unhex(given.c),
  acceptedAtMs: given.accepted_at_ms,
  keyNo: given.key_no,
  box: unhex(given.box),
});

/** Every device of the given lists, with the lists of its account. */
function sendersIn(raws: string[], gone: string[]): Map<string, Map<number, DeviceList>> {
  const bodies = raws.map(listIn);
  const lists = new Map<string, Map<number, DeviceList>>();
  for (const body of bodies) {
    const versions = lists.get(hex(body.account)) ?? new Map<number, DeviceList>();
    lists.set(hex(body.account), versions.set(body.version, body));
  }
  const known = new Map<string, Map<number, DeviceList>>();
  for (const body of bodies)
    for (const device of body.devices) {
      const id = hex(deviceId(device.devicePk));
      const versions = lists.get(hex(body.account));
      if (versions && !gone.includes(id)) known.set(id, versions);
    }
  return known;
}

/** What the opening device has verified. */
export function viewIn(given: Json): View {
  const own = given.own_lists.map(listIn) as DeviceList[];
  const pins = new Map<string, KeyPin>();
  for (const pin of given.key_pins)
    pins.set(pinKey(unhex(pin.device_id), pin.use as Use, unhex(pin.scope)), {
      keyNo: pin.key_no,
      boxPk: unhex(pin.box_pk),
    });
  const owners = new Map<string, string>(given.key_owners);
  return {
    devicePk: unhex(given.device_pk),
    ownLists: new Map(own.map((body) => [body.version, body])),
    senders: sendersIn(given.sender_lists, given.gone_devices),
    members: unhex(given.members),
    keyPins: pins,
    keyOwners: (boxPk) => {
      const owner = owners.get(boxPk);
      return owner === undefined ? undefined : unhex(owner);
    },
  };
}

export function streamIn(given: Json | null): Received | undefined {
  if (given === null) return undefined;
  const missing = given.missing.map(([seq, c, prev]: [number, string, string]) => ({
    seq,
    c: unhex(c),
    prev: unhex(prev),
  }));
  return { floor: given.floor, highest: given.highest, c: unhex(given.c), missing };
}

export const streamOut = (state: Received): Json => ({
  floor: state.floor,
  highest: state.highest,
  c: hex(state.c),
  missing: state.missing.map((entry) => [entry.seq, hex(entry.c), hex(entry.prev)]),
});

export const openedOut = (opened: Opened): Json => ({
  content: contentOut(opened.content),
  kf: hex(opened.kf),
  notes: [...opened.notes].sort(),
  arrival: opened.stream.arrival,
  given_up: opened.stream.givenUp,
  stream: streamOut(opened.stream.state),
});
