// Frames to bytes and back: a MessagePack array whose first element is the frame's name (PROTOCOL 3.1).

import { decode, encode } from "@msgpack/msgpack";
import type { Bytes } from "../bytes";
import { fromArray, Misshapen, toArray } from "./shapes";
import { CLIENT_FRAMES, type ClientFrame, SERVER_FRAMES, type ServerFrame } from "./wire";

/** The frame as the array that both transports carry. */
export const toWire = (frame: ClientFrame): unknown[] => [
  frame.frame,
  ...toArray(CLIENT_FRAMES[frame.frame], frame),
];

/** The server's frame in an array, or `Misshapen`. */
export function fromWire(values: unknown): ServerFrame {
  if (!Array.isArray(values) || typeof values[0] !== "string") throw new Misshapen("not a frame");
  const [name, ...fields] = values;
  if (!Object.hasOwn(SERVER_FRAMES, name)) throw new Misshapen("not a frame");
  const shape = SERVER_FRAMES[name as ServerFrame["frame"]];
  return { frame: name, ...fromArray(shape, fields) } as unknown as ServerFrame;
}

export const encodeFrame = (frame: ClientFrame): Bytes => encode(toWire(frame));

/** The server's frame in a payload, or `Misshapen`. */
export function decodeFrame(payload: Bytes): ServerFrame {
  let values: unknown;
  try {
    values = decode(payload);
  } catch {
    throw new Misshapen("not a frame");
  }
  return fromWire(values);
}
