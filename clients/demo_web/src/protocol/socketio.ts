// The way through a proxy that lets no WebSocket pass: the same frames as Socket.IO events over long-polling.
//
// An event's name is the frame's, its arguments the frame's fields with bytes as attachments. Every polling request
// carries the session's bearer: the `sid` in the URL alone opens nothing (CRYPTO section 4). The library is loaded
// only when it is needed.

import { type Bytes, base64url } from "../bytes";
import { Fault } from "../client/errors";
import { fromWire, toWire } from "./frames";
import type { Dial } from "./socket";

const OPEN_TIMEOUT_MS = 8_000;

/** Opens a Socket.IO connection over long-polling. `token` is the session's. */
export const socketio =
  (origin: string, token: () => Bytes): Dial =>
  async (ears) => {
    const { io } = await import("socket.io-client");
    const socket = io(origin, {
      transports: ["polling"],
      extraHeaders: { Authorization: `Bearer ${base64url(token())}` },
      reconnection: false,
      forceNew: true,
      timeout: OPEN_TIMEOUT_MS,
    });
    socket.onAny((...event: unknown[]) => {
      try {
        ears.frame(fromWire(event));
      } catch {
        socket.disconnect();
        ears.ended("");
      }
    });
    socket.on("disconnect", () => ears.ended(""));
    return new Promise((opened, failed) => {
      socket.on("connect_error", () => {
        socket.disconnect();
        failed(new Fault("unreachable"));
      });
      socket.on("connect", () =>
        opened({
          send: (frame) => {
            const [name, ...fields] = toWire(frame);
            socket.emit(String(name), ...fields);
          },
          close: () => void socket.disconnect(),
        }),
      );
    });
  };
