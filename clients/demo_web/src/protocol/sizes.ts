// What fits: the bucket a content is padded to, and how many boxes of it a frame holds (DESIGN section 4).

import { CONTENT_HEAD_BYTES, INNER_HEAD_BYTES } from "../crypto/layers";
import { BOX_OVERHEAD_BYTES, BUCKET_BYTES, MAX_BOXES_PER_SEND, MAX_FRAME_BYTES } from "./wire";

const BOX_FRAME_BYTES = 32; // around each box: device id 16, key number up to 5, lengths
const SEND_FRAME_BYTES = 96; // around all boxes: tag, scope, n, c

function boxesInFrame(bucket: number): number {
  const each = bucket + BOX_OVERHEAD_BYTES + BOX_FRAME_BYTES;
  return Math.min(MAX_BOXES_PER_SEND, Math.floor((MAX_FRAME_BYTES - SEND_FRAME_BYTES) / each));
}

/** How many devices a content of so many bytes can be sent to; 0 if it fits no bucket. */
export function boxesThatFit(contentBytes: number): number {
  const bucket = BUCKET_BYTES.find((size) => size > INNER_HEAD_BYTES + contentBytes);
  return bucket ? boxesInFrame(bucket) : 0;
}

/** The longest body, in bytes, that can be sent to so many devices. */
export function bodyLimit(devices: number): number {
  const fitting = BUCKET_BYTES.filter((bucket) => boxesInFrame(bucket) >= devices);
  return fitting.length ? Math.max(...fitting) - 1 - INNER_HEAD_BYTES - CONTENT_HEAD_BYTES : 0;
}
