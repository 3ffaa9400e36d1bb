// The native path: one WebSocket, one MessagePack frame a message (PROTOCOL 2.6).

import type { Bytes } from "../bytes";
import { Fault } from "../client/errors";
import { decodeFrame, encodeFrame } from "./frames";
import { codeOfClose, type Dial } from "./socket";

const PATH = "/v1/ws";
const SUBPROTOCOL = "sotto.v1";
const OPEN_TIMEOUT_MS = 8_000;

/** The close code with which this side leaves over a frame that it cannot read; the server's own are its to use. */
const UNREADABLE = 4400;

/** Opens a WebSocket beside the page's origin. */
export const websocket =
  (origin: string): Dial =>
  (ears) =>
    new Promise((opened, failed) => {
      const socket = new WebSocket(origin.replace(/^http/, "ws") + PATH, SUBPROTOCOL);
      socket.binaryType = "arraybuffer";
      const timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
      socket.onopen = () => {
        clearTimeout(timer);
        opened({
          send: (frame) => {
            if (socket.readyState === WebSocket.OPEN)
              socket.send(encodeFrame(frame) as Uint8Array<ArrayBuffer>);
          },
          close: () => socket.close(),
        });
      };
      socket.onmessage = ({ data }) => {
        try {
          ears.frame(decodeFrame(new Uint8Array(data as ArrayBuffer) as Bytes));
        } catch {
          socket.close(UNREADABLE);
          ears.ended("");
        }
      };
      socket.onclose = ({ code }) => {
        clearTimeout(timer);
        failed(new Fault("unreachable")); // no effect once it was open
        ears.ended(codeOfClose(code));
      };
    });
