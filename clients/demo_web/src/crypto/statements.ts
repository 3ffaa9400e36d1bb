// What a device signs to the server: hello on a socket, and statements over HTTPS (CRYPTO section 4).

import { type Bytes, concat, same } from "../bytes";
import { counted, fixed, HASH_BYTES, ID_BYTES, u8, u32, utf8 } from "./fields";
import { blake2b, deviceId, H, type Statement, verify } from "./labels";
import { require } from "./refusals";

export const TICKET_BYTES = 32;
export const NONCE_BYTES = 32;
export const EPOCH_BYTES = 16;

/** The transport byte of a hello. */
export const TRANSPORT = { WEBSOCKET: 1, SOCKETIO: 2 } as const;
export type Transport = (typeof TRANSPORT)[keyof typeof TRANSPORT];

/** One device, one ticket, one socket. `origin` is what the client sees, `epoch` zero at first. */
export interface HelloFields {
  readonly tenant: Bytes;
  readonly origin: string;
  readonly ticketHash: Bytes;
  readonly account: Bytes;
  readonly deviceId: Bytes;
  readonly transport: Transport;
  readonly listVersion: number;
  readonly listHash: Bytes;
  readonly keyNo: number;
  readonly epoch: Bytes;
}

/** One request over HTTPS that needs the device's word, not only its session. */
export interface HttpFields {
  readonly tenant: Bytes;
  readonly account: Bytes;
  readonly deviceId: Bytes;
  readonly method: string;
  readonly path: string;
  readonly bodyHash: Bytes;
  readonly nonce: Bytes;
}

/** The fields in the order of CRYPTO section 4; list_version and key_no are u32, the origin len16 || bytes. */
export const helloStatement = (said: HelloFields): Statement => ({
  label: "sotto/v1/hello",
  struct: concat(
    fixed(said.tenant, ID_BYTES),
    counted(utf8(said.origin)),
    fixed(said.ticketHash, HASH_BYTES),
    fixed(said.account, ID_BYTES),
    fixed(said.deviceId, ID_BYTES),
    u8(said.transport),
    u32(said.listVersion),
    fixed(said.listHash, HASH_BYTES),
    u32(said.keyNo),
    fixed(said.epoch, EPOCH_BYTES),
  ),
});

/** tenant, account, device id, len16 || method, len16 || path with query, body hash 32, nonce 32. */
export const httpStatement = (said: HttpFields): Statement => ({
  label: "sotto/v1/http",
  struct: concat(
    fixed(said.tenant, ID_BYTES),
    fixed(said.account, ID_BYTES),
    fixed(said.deviceId, ID_BYTES),
    counted(utf8(said.method)),
    counted(utf8(said.path)),
    fixed(said.bodyHash, HASH_BYTES),
    fixed(said.nonce, NONCE_BYTES),
  ),
});

/** Refuse unless the device named in the statement is this key, and it signed the statement. */
export function verifyDeviceStatement(
  statement: Statement,
  named: Bytes,
  signature: Bytes,
  devicePk: Bytes,
): void {
  require(same(named, deviceId(devicePk)), "wrong_device");
  verify(statement, signature, devicePk);
}

/** How a ticket stands in a hello and in the store. */
export const ticketHash = (ticket: Bytes): Bytes => H("sotto/v1/ticket", fixed(ticket, TICKET_BYTES));

/** BLAKE2b-256 of a request body; of nothing for a request without one. */
export const bodyHash = (body: Bytes): Bytes => blake2b(body);
