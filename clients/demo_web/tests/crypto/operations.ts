// Does what a vector's case says, as crypto/vectors/run.py does.

import { hex, unhex } from "../../src/bytes";
import { parseBundle, requireUsable, verifyBundleIn } from "../../src/crypto/bundles";
import { requireDated } from "../../src/crypto/clock";
import {
  blake2b,
  deviceId,
  H,
  labelled,
  requireBoxKey,
  requireSigningKey,
  type Statement,
  verify,
} from "../../src/crypto/labels";
import { associated, commitment, context } from "../../src/crypto/layers";
import { linkQrBytes, linkWords, parseLinkQr, wordsMatch } from "../../src/crypto/linking";
import { deviceList, signList, verifyList } from "../../src/crypto/lists";
import { openBox } from "../../src/crypto/opening";
import { requireNoRollback } from "../../src/crypto/pins";
import { receiveMessage, receivePassing } from "../../src/crypto/receiving";
import { Refused } from "../../src/crypto/refusals";
import { fingerprint, qrBytes, qrMatches, safetyNumber } from "../../src/crypto/safety";
import { BUCKETS, membersHash, setHash } from "../../src/crypto/scopes";
import { commit, seal } from "../../src/crypto/sealing";
import { BoxKey, DeviceKey, IdentityKey } from "../../src/crypto/signing";
import { bodyHash, ticketHash, verifyDeviceStatement } from "../../src/crypto/statements";
import { derive, openRecord, sealRecord, unwrapVaultKey, wrapVaultKey } from "../../src/crypto/vault";
import {
  contentIn,
  deliveryIn,
  drawing,
  type Json,
  listIn,
  openedOut,
  optional,
  statementIn,
  streamIn,
  streamOut,
  viewIn,
} from "./values";

type Operation = (given: Json) => Json | Promise<Json>;

/** The outcome of one case. */
export async function run(operation: string, given: Json): Promise<Json> {
  const found = OPERATIONS[operation];
  if (!found) throw new Error(`no operation ${operation}`);
  return refusable(() => found(given));
}

async function refusable(operation: () => Json | Promise<Json>): Promise<Json> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Refused) return { refused: error.reason };
    throw error;
  }
}

const party = (given: Json) => ({
  account: unhex(given.account),
  identityPk: unhex(given.identity_pk),
  devicePk: unhex(given.device_pk),
  boxPk: unhex(given.box_pk),
});

const relabelled = (given: Json): Statement => ({ label: given.label, struct: unhex(given.struct) });

const owner = (given: Json) => ({ tenant: unhex(given.tenant), account: unhex(given.account) });

function signListCase(given: Json): Json {
  const identity = new IdentityKey(unhex(given.identity_seed));
  const devices = given.devices.map(([pk, mayAdd, addedMs]: [string, boolean, number]) => ({
    devicePk: unhex(pk),
    mayAdd,
    addedMs,
  }));
  const body = deviceList({
    ...owner(given),
    version: given.version,
    prevHash: unhex(given.prev_hash),
    identityPk: identity.public,
    issuedMs: given.issued_ms,
    reset: given.reset,
    devices,
  });
  const old = optional(given.old_identity_seed);
  return { list: hex(signList(body, identity, old && new IdentityKey(old))), list_hash: hex(body.listHash) };
}

function verifyListCase(given: Json): Json {
  const previous = given.previous === null ? undefined : listIn(given.previous);
  const { body } = verifyList(unhex(given.list), unhex(given.tenant), unhex(given.account), previous);
  const ids = body.devices.map((device) => hex(deviceId(device.devicePk)));
  return { list_hash: hex(body.listHash), version: body.version, device_ids: ids };
}

function verifyBundleCase(given: Json): Json {
  const { body } = verifyBundleIn(unhex(given.bundle), listIn(given.list));
  return {
    use: body.use,
    scope: hex(body.scope),
    device_id: hex(body.deviceId),
    key_no: body.keyNo,
    created_ms: body.createdMs,
    expires_ms: body.expiresMs,
    box_pk: hex(body.boxPk),
    log_size: body.logSize,
    log_root: hex(body.logRoot),
  };
}

function sealCase(given: Json): Json {
  const draw = drawing(given.random);
  const senderDevice = unhex(given.sender_device);
  const place = { frameClass: given.class, scope: unhex(given.scope), senderDevice, n: given.n };
  const send = commit(place, contentIn(given.content), draw);
  const sender = {
    ownList: listIn(given.from.list),
    bundle: parseBundle(unhex(given.from.bundle)),
    boxKey: new BoxKey(unhex(given.from.box_secret)),
  };
  const to = { pinnedList: listIn(given.to.list), bundle: parseBundle(unhex(given.to.bundle)) };
  const [made] = seal(send, sender, [to], given.now_ms, draw);
  if (!made) throw new Error("no box");
  const whole = made.box.length === BUCKETS[0] + 288 ? { box: hex(made.box) } : {};
  const hashed = hex(blake2b(made.box));
  return { c: hex(send.c), key_no: made.keyNo, length: made.box.length, box_hash: hashed, ...whole };
}

function openCase(given: Json): Json {
  const held = given.held && { keyNo: given.held.key_no, key: new BoxKey(unhex(given.held.secret)) };
  const [stream, openedC] = [streamIn(given.stream), optional(given.opened_c)];
  return openedOut(
    openBox(deliveryIn(given.delivery), held ?? undefined, viewIn(given.view), stream, openedC),
  );
}

/** Steps one after the other; a refused one leaves the state as it was. */
function receiveCase(given: Json): Json {
  let state = streamIn(given.stream);
  const outcomes: string[] = [];
  for (const frame of given.messages) {
    const [c, prev] = [unhex(frame.c), unhex(frame.prev)];
    try {
      const step =
        given.class === 1 ? receiveMessage(state, frame.seq, c, prev) : receivePassing(state, frame.seq, c);
      state = step.state;
      outcomes.push(step.arrival);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      outcomes.push(error.reason);
    }
  }
  return { outcomes, stream: state ? streamOut(state) : null };
}

function safetyCase(given: Json): Json {
  const [own, other] = [given.own, given.other].map((side) =>
    fingerprint(unhex(given.tenant), unhex(side.account), unhex(side.identity_pk)),
  );
  if (!own || !other) throw new Error("two sides");
  return {
    fingerprint_own: hex(own),
    fingerprint_other: hex(other),
    number: safetyNumber(own, other),
    qr_shown: hex(qrBytes(own, other)),
  };
}

const OPERATIONS: Record<string, Operation> = {
  link: async (given) => {
    const devicePk = unhex(given.device_pk);
    return { words: await linkWords(devicePk), code: hex(linkQrBytes(devicePk)) };
  },
  link_typed: async (given) => ({ matches: await wordsMatch(given.typed, unhex(given.device_pk)) }),
  link_scanned: (given) => ({ device_pk: hex(parseLinkQr(unhex(given.scanned))) }),
  hash: (given) => ({ hash: hex(H(given.label, ...given.parts.map(unhex))) }),
  device_id: (given) => ({ device_id: hex(deviceId(unhex(given.device_pk))) }),
  members: (given) => ({
    hash: hex(
      membersHash(
        unhex(given.scope),
        given.members.map(([account, identity]: [string, string]) => [unhex(account), unhex(identity)]),
      ),
    ),
  }),
  set: (given) => ({ hash: hex(setHash(given.device_ids.map(unhex))) }),
  ticket_hash: (given) => ({ hash: hex(ticketHash(unhex(given.ticket))) }),
  body_hash: (given) => ({ hash: hex(bodyHash(unhex(given.body))) }),
  public_keys: (given) => {
    const secret = unhex(given.seed);
    return { ed25519: hex(new DeviceKey(secret).public), x25519: hex(new BoxKey(secret).public) };
  },
  signing_key: (given) => ({ key: hex(requireSigningKey(unhex(given.key))) }),
  box_key: (given) => ({ key: hex(requireBoxKey(unhex(given.key))) }),
  sign_under_label: (given) => {
    const Kind = given.kind === "identity" ? IdentityKey : DeviceKey;
    return { signature: hex(new Kind(unhex(given.seed)).sign(relabelled(given))) };
  },
  verify_under_label: (given) => {
    verify(relabelled(given), unhex(given.signature), unhex(given.public_key));
    return { signed_bytes: hex(labelled(given.label, unhex(given.struct))) };
  },
  sign_statement: (given) => {
    const statement = statementIn(given.statement);
    const signature = new DeviceKey(unhex(given.device_seed)).sign(statement);
    return { struct: hex(statement.struct), signature: hex(signature) };
  },
  verify_statement: (given) => {
    const statement = statementIn(given.statement);
    const named = unhex(given.statement.device_id);
    verifyDeviceStatement(statement, named, unhex(given.signature), unhex(given.device_pk));
    return { struct: hex(statement.struct) };
  },
  sign_list: signListCase,
  verify_list: verifyListCase,
  pin_list: (given) => {
    requireNoRollback({ version: given.version, listHash: unhex(given.list_hash) }, listIn(given.list));
    return {};
  },
  verify_bundle: verifyBundleCase,
  usable: (given) => {
    requireUsable(parseBundle(unhex(given.bundle)).body, given.now_ms);
    return {};
  },
  dated: (given) => {
    requireDated(given.made_ms, given.now_ms);
    return {};
  },
  commitment: (given) => {
    const ad = associated(given.class, unhex(given.scope), unhex(given.sender_device), given.n);
    return { ad: hex(ad), c: hex(commitment(unhex(given.kf), ad, unhex(given.content))) };
  },
  context: (given) => {
    const ends = [party(given.from), party(given.to)] as const;
    return { ctx: hex(context(unhex(given.tenant), ...ends, given.key_no, unhex(given.list_hash))) };
  },
  seal: sealCase,
  open: openCase,
  receive: receiveCase,
  safety: safetyCase,
  qr: (given) => ({ matches: qrMatches(unhex(given.scanned), unhex(given.own), unhex(given.other)) }),
  derive: async (given) => {
    const derived = await derive(given.password, unhex(given.salt));
    return { login: hex(derived.login), wrap: hex(derived.wrap) };
  },
  wrap: (given) => ({
    wrapped: hex(
      wrapVaultKey(unhex(given.vault_key), unhex(given.wrap), owner(given), drawing([given.nonce])),
    ),
  }),
  unwrap: (given) => ({
    vault_key: hex(unwrapVaultKey(unhex(given.wrapped), unhex(given.wrap), owner(given))),
  }),
  seal_record: (given) => ({
    record: hex(
      sealRecord(
        unhex(given.vault_key),
        given.store,
        unhex(given.key),
        unhex(given.plaintext),
        drawing([given.nonce]),
      ),
    ),
  }),
  open_record: (given) => ({
    plaintext: hex(openRecord(unhex(given.vault_key), given.store, unhex(given.key), unhex(given.record))),
  }),
};
