// A frame that does not fit the server's own tables is no frame.

import { decode, encode } from "@msgpack/msgpack";
import { describe, expect, test } from "vitest";
import { Backoff } from "../../src/protocol/backoff";
import { decodeFrame, encodeFrame } from "../../src/protocol/frames";
import { Route } from "../../src/protocol/route";
import { Misshapen } from "../../src/protocol/shapes";
import { bodyLimit, boxesThatFit } from "../../src/protocol/sizes";
import { stops } from "../../src/protocol/socket";

const id = new Uint8Array(16).fill(1);
const hash = new Uint8Array(32).fill(2);
const box = new Uint8Array(544);

test("a send is an array in the order of the table", () => {
  const raw = encodeFrame({
    frame: "send",
    scope: id,
    n: 7,
    c: hash,
    boxes: [{ device: id, keyNo: 3, box }],
  });
  expect(decode(raw)).toEqual(["send", id, 7, hash, [[id, 3, box]]]);
});

test("a number above 32 bits is exact", () => {
  const n = Number.MAX_SAFE_INTEGER;
  expect(decodeFrame(encode(["current", n]))).toEqual({ frame: "current", at: n });
});

describe("what is no frame", () => {
  const whole = ["deliver", 1, id, id, 1, hash, 5, 1, hash, 1, box];
  test("the whole one is", () => expect(decodeFrame(encode(whole)).frame).toBe("deliver"));
  for (const [why, values] of Object.entries({
    "a field is missing": whole.slice(0, -1),
    "a field is added": [...whole, 1],
    "a hash is short": whole.with(5, id),
    "a number is zero": whole.with(1, 0),
    "a number is a text": whole.with(1, "1"),
    "a box is too long": whole.with(10, new Uint8Array(49_441)),
    "its name is unknown": whole.with(0, "delivered"),
    "its name is of an object": whole.with(0, "constructor"),
    "it is the client's": ["active"],
    "it is no array": { deliver: 1 } as unknown as unknown[],
  }))
    test(why, () => expect(() => decodeFrame(encode(values))).toThrow(Misshapen));
  test("it is no MessagePack", () => expect(() => decodeFrame(Uint8Array.of(0xc1))).toThrow(Misshapen));
});

test("what may be left off is empty", () => {
  const receipt = decodeFrame(encode(["receipt", 1, "safe", 2]));
  expect(receipt).toEqual({ frame: "receipt", n: 1, mark: "safe", at: 2, persons: [], devices: [] });
});

test("three of the largest bucket fit a frame, thirty-two of 4,096", () => {
  expect(boxesThatFit(bodyLimit(3) + 81)).toBe(3);
  expect(boxesThatFit(4_000 - 65)).toBe(32);
  expect(boxesThatFit(60_000)).toBe(0);
});

test("attempts spread: at once, then 1, 2, 4 s and never above 45", () => {
  const backoff = new Backoff((_, high) => high);
  expect(Array.from({ length: 8 }, () => backoff.nextMs())).toEqual([
    1_000, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000,
  ]);
});

test("close codes 4400-4499 stop, others do not", () => {
  expect(stops("replaced")).toBe(true);
  expect(stops("resume_elsewhere")).toBe(false);
  expect(stops("from_a_later_version")).toBe(false);
});

test("two failures of the native path lead to the other, and one of that back", () => {
  const [native, fallback] = [() => Promise.reject(), () => Promise.reject()];
  const route = new Route({ native, fallback });
  const taken = [false, false, false, false].map((there) => {
    const transport = route.dial === native ? 1 : 2;
    expect(route.transport).toBe(transport);
    route.led(there);
    return transport;
  });
  expect(taken).toEqual([1, 1, 2, 1]);
});
