// Written by `python -m tests.web_wire` from chatserver/wire. Edit that, not this.

import type { Bytes } from "../bytes";
import { bytes, choice, flag, integer, list, pair, part, type Shape, text } from "./shapes";
export const BOX_OVERHEAD_BYTES = 288;
export const BUCKET_BYTES = [256, 1024, 4096, 8192, 16384, 49152];
export const FATES_PAGE = 256;
export const HEARTBEAT_S = 20;
export const MAX_BOXES_PER_SEND = 32;
export const MAX_FRAME_BYTES = 163840;
export const SEND_WINDOW = 256;


export interface Sealed {
  readonly device: Bytes;
  readonly keyNo: number;
  readonly box: Bytes;
}

export interface Clocks {
  readonly idleMs: number;
  readonly endsAt: number;
}

export interface Limits {
  readonly maxFrameBytes: number;
  readonly maxBoxes: number;
  readonly sendWindow: number;
  readonly heartbeatMs: number;
}

export interface Told {
  readonly n: number;
  readonly state: "open" | "settled" | "unknown";
  readonly persons: readonly (readonly [Bytes, "device_removed" | "expired" | "opened" | "pending" | "unreachable" | "unreadable" | "withheld"])[];
}

export interface Hello {
  readonly frame: "hello";
  readonly ticket: Bytes;
  readonly account: Bytes;
  readonly device: Bytes;
  readonly origin: string;
  readonly transport: number;
  readonly listVersion: number;
  readonly listHash: Bytes;
  readonly keyNo: number;
  readonly epoch: Bytes;
  readonly signature: Bytes;
}

export interface Send {
  readonly frame: "send";
  readonly scope: Bytes;
  readonly n: number;
  readonly c: Bytes;
  readonly boxes: readonly Sealed[];
}

export interface Ack {
  readonly frame: "ack";
  readonly opened: readonly number[];
  readonly unreadable: readonly number[];
}

export interface Fleeting {
  readonly frame: "fleeting";
  readonly scope: Bytes;
  readonly n: number;
  readonly c: Bytes;
  readonly boxes: readonly Sealed[];
}

export interface Active {
  readonly frame: "active";
}

export interface Fates {
  readonly frame: "fates";
  readonly ask: readonly number[];
  readonly settled: readonly number[];
}

export interface Bye {
  readonly frame: "bye";
}

export interface Welcome {
  readonly frame: "welcome";
  readonly serverTime: number;
  readonly epoch: Bytes;
  readonly highestN: number;
  readonly listVersion: number;
  readonly keyNo: number;
  readonly clocks: Clocks;
  readonly limits: Limits;
}

export interface Receipt {
  readonly frame: "receipt";
  readonly n: number;
  readonly mark: "delivered" | "device_removed" | "expired" | "safe" | "unreadable" | "withheld";
  readonly at: number;
  readonly persons: readonly Bytes[];
  readonly devices: readonly Bytes[];
}

export interface Refused {
  readonly frame: "refused";
  readonly n: number;
  readonly code: string;
  readonly reason: string;
  readonly retry: boolean;
  readonly known: boolean;
  readonly lists: readonly (readonly [Bytes, Bytes])[];
  readonly bundles: readonly (readonly [Bytes, Bytes])[];
}

export interface Deliver {
  readonly frame: "deliver";
  readonly number: number;
  readonly scope: Bytes;
  readonly sender: Bytes;
  readonly n: number;
  readonly c: Bytes;
  readonly acceptedAt: number;
  readonly kid: number;
  readonly t: Bytes;
  readonly keyNo: number;
  readonly box: Bytes;
}

export interface Whisper {
  readonly frame: "fleeting";
  readonly scope: Bytes;
  readonly sender: Bytes;
  readonly n: number;
  readonly c: Bytes;
  readonly acceptedAt: number;
  readonly keyNo: number;
  readonly box: Bytes;
}

export interface Current {
  readonly frame: "current";
  readonly at: number;
}

export interface Notice {
  readonly frame: "notice";
  readonly change: "keys" | "links" | "list" | "members";
  readonly subject: Bytes;
}

export interface FatesTold {
  readonly frame: "fates";
  readonly fates: readonly Told[];
}

export interface Ended {
  readonly frame: "bye";
  readonly code: string;
  readonly reason: string;
  readonly retry: boolean;
}

export type ClientFrame =
  | Hello
  | Send
  | Ack
  | Fleeting
  | Active
  | Fates
  | Bye;

export type ServerFrame =
  | Welcome
  | Receipt
  | Refused
  | Deliver
  | Whisper
  | Current
  | Notice
  | FatesTold
  | Ended;

export const CLIENT_FRAMES: Record<ClientFrame["frame"], Shape> = {
  hello: [["ticket", bytes(32, 32)], ["account", bytes(16, 16)], ["device", bytes(16, 16)], ["origin", text(255)], ["transport", integer(0, 255)], ["listVersion", integer(0, 4294967295)], ["listHash", bytes(32, 32)], ["keyNo", integer(0, 4294967295)], ["epoch", bytes(16, 16)], ["signature", bytes(64, 64)]],
  send: [["scope", bytes(16, 16)], ["n", integer(1, 9007199254740991)], ["c", bytes(32, 32)], ["boxes", list(part([["device", bytes(16, 16)], ["keyNo", integer(0, 4294967295)], ["box", bytes(544, 49440)]]), 32)]],
  ack: [["opened", list(integer(1, 9007199254740991), 256)], ["unreadable", list(integer(1, 9007199254740991), 256), true]],
  fleeting: [["scope", bytes(16, 16)], ["n", integer(1, 9007199254740991)], ["c", bytes(32, 32)], ["boxes", list(part([["device", bytes(16, 16)], ["keyNo", integer(0, 4294967295)], ["box", bytes(544, 49440)]]), 32)]],
  active: [],
  fates: [["ask", list(integer(1, 9007199254740991), 256)], ["settled", list(integer(1, 9007199254740991), 256), true]],
  bye: [],
};

export const SERVER_FRAMES: Record<ServerFrame["frame"], Shape> = {
  welcome: [["serverTime", integer(0, 9007199254740991)], ["epoch", bytes(16, 16)], ["highestN", integer(0, 9007199254740991)], ["listVersion", integer(0, 4294967295)], ["keyNo", integer(0, 4294967295)], ["clocks", part([["idleMs", integer(0, 9007199254740991)], ["endsAt", integer(0, 9007199254740991)]])], ["limits", part([["maxFrameBytes", integer(1, 9007199254740991)], ["maxBoxes", integer(1, 9007199254740991)], ["sendWindow", integer(1, 9007199254740991)], ["heartbeatMs", integer(1, 9007199254740991)]])]],
  receipt: [["n", integer(1, 9007199254740991)], ["mark", choice("delivered", "device_removed", "expired", "safe", "unreadable", "withheld")], ["at", integer(0, 9007199254740991)], ["persons", list(bytes(16, 16), 163840), true], ["devices", list(bytes(16, 16), 163840), true]],
  refused: [["n", integer(0, 9007199254740991)], ["code", text(163840)], ["reason", text(163840)], ["retry", flag], ["known", flag, true], ["lists", list(pair(bytes(16, 16), bytes(0, 163840)), 163840), true], ["bundles", list(pair(bytes(16, 16), bytes(0, 163840)), 163840), true]],
  deliver: [["number", integer(1, 9007199254740991)], ["scope", bytes(16, 16)], ["sender", bytes(16, 16)], ["n", integer(1, 9007199254740991)], ["c", bytes(32, 32)], ["acceptedAt", integer(0, 9007199254740991)], ["kid", integer(0, 4294967295)], ["t", bytes(32, 32)], ["keyNo", integer(0, 4294967295)], ["box", bytes(544, 49440)]],
  fleeting: [["scope", bytes(16, 16)], ["sender", bytes(16, 16)], ["n", integer(1, 9007199254740991)], ["c", bytes(32, 32)], ["acceptedAt", integer(0, 9007199254740991)], ["keyNo", integer(0, 4294967295)], ["box", bytes(544, 49440)]],
  current: [["at", integer(0, 9007199254740991)]],
  notice: [["change", choice("keys", "links", "list", "members")], ["subject", bytes(16, 16)]],
  fates: [["fates", list(part([["n", integer(1, 9007199254740991)], ["state", choice("open", "settled", "unknown")], ["persons", list(pair(bytes(16, 16), choice("device_removed", "expired", "opened", "pending", "unreachable", "unreadable", "withheld")), 163840), true]]), 163840)]],
  bye: [["code", text(163840)], ["reason", text(163840)], ["retry", flag]],
};

/** Every refusal and ending: words for people, whether to try again, the close code (0: none). */
export const CATALOGUE: Readonly<
  Record<string, { readonly reason: string; readonly retry: boolean; readonly closes: number }>
> = {
  protocol_error: { reason: "The WebSocket rules were broken.", retry: false, closes: 1002 },
  not_binary: { reason: "This protocol is binary.", retry: false, closes: 1003 },
  not_utf8: { reason: "The close reason was not UTF-8.", retry: false, closes: 1007 },
  too_big: { reason: "The message is larger than allowed.", retry: false, closes: 1009 },
  malformed: { reason: "The frame could not be read.", retry: false, closes: 4400 },
  out_of_order: { reason: "That frame is not allowed now.", retry: false, closes: 4401 },
  hello_refused: { reason: "The hello was not accepted.", retry: false, closes: 4402 },
  session_ended: { reason: "The session has ended. Sign in again.", retry: false, closes: 4403 },
  device_removed: { reason: "This device was removed from its account.", retry: false, closes: 4404 },
  account_disabled: { reason: "The account is disabled.", retry: false, closes: 4405 },
  replaced: { reason: "This device connected elsewhere.", retry: false, closes: 4406 },
  signed_off: { reason: "Goodbye.", retry: false, closes: 4407 },
  resume_elsewhere: { reason: "The server is restarting.", retry: true, closes: 4500 },
  slow_consumer: { reason: "Deliveries were not taken in time.", retry: true, closes: 4501 },
  hello_late: { reason: "No hello came in time.", retry: true, closes: 4502 },
  silent: { reason: "Nothing was heard from the client.", retry: true, closes: 4503 },
  store_lost: { reason: "The store cannot be read.", retry: true, closes: 4504 },
  too_many_connections: { reason: "Too many connections.", retry: true, closes: 4505 },
  internal: { reason: "Something went wrong.", retry: true, closes: 4506 },
  not_member: { reason: "Not a member of that conversation.", retry: false, closes: 0 },
  wrong_devices: { reason: "The devices named are not those of the conversation.", retry: true, closes: 0 },
  stale_key: { reason: "A box was sealed to a replaced key.", retry: true, closes: 0 },
  number_reused: { reason: "That number belongs to another message.", retry: false, closes: 0 },
  no_device: { reason: "Nobody in the conversation can receive now.", retry: true, closes: 0 },
  bad_box: { reason: "A box has none of the six lengths.", retry: false, closes: 0 },
  not_saved: { reason: "It could not be saved. Nothing was sent.", retry: true, closes: 0 },
  unknown_delivery: { reason: "That delivery is not waiting for an acknowledgement.", retry: false, closes: 4408 },
  bad_request: { reason: "The request could not be read.", retry: false, closes: 0 },
  unauthenticated: { reason: "Sign in first.", retry: false, closes: 0 },
  sign_in_refused: { reason: "The name or the password is wrong.", retry: false, closes: 0 },
  invitation_refused: { reason: "The invitation is not valid.", retry: false, closes: 0 },
  name_taken: { reason: "That sign-in name is not free.", retry: false, closes: 0 },
  statement_refused: { reason: "The signed statement was not accepted.", retry: false, closes: 0 },
  list_refused: { reason: "The device list was not accepted.", retry: false, closes: 0 },
  bundle_refused: { reason: "The key bundle was not accepted.", retry: false, closes: 0 },
  clock_wrong: { reason: "The date is more than five minutes off.", retry: false, closes: 0 },
  too_many_devices: { reason: "The conversation would have too many devices.", retry: false, closes: 0 },
  not_found: { reason: "There is nothing here for you.", retry: false, closes: 0 },
  method_not_allowed: { reason: "That method is not offered here.", retry: false, closes: 0 },
  too_fast: { reason: "Too many attempts. Wait a little.", retry: true, closes: 0 },
};
