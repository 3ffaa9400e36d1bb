// The queue: numbers that the server may not know are given back, what was sent is sent again as it was.

import { beforeAll, describe, expect, test } from "vitest";
import type { Bytes } from "../../src/bytes";
import { type Commit, Outbox } from "../../src/client/outbox";
import { FRAME_CLASS } from "../../src/crypto/scopes";
import { commit } from "../../src/crypto/sealing";
import { ready } from "../../src/crypto/sodium";
import type { Receipt, Refused } from "../../src/protocol/wire";
import { NOTHING, type Outgoing } from "../../src/store/records";
import { filled } from "./people";

beforeAll(() => ready);

const [HERE, THERE] = [filled(16, 1), filled(16, 2)];

const item = (number: number, scope: Bytes = HERE): Outgoing => ({
  item: number,
  scope,
  kind: 1,
  body: filled(3, number),
  queuedAt: number,
  place: number,
  stage: "queued",
  n: 0,
  seq: 0,
  content: NOTHING,
  kf: NOTHING,
  c: NOTHING,
  resealed: 0,
  refusal: "",
});

const committed: Commit = (one, n, seq, prev) => {
  const content = { kind: 1, seq, sentAtMs: one.queuedAt, prev, members: filled(32, 0), body: one.body };
  const place = { frameClass: FRAME_CLASS.MESSAGE, scope: one.scope, senderDevice: filled(16, 7), n };
  return commit(place, content, (count) => filled(count, n % 256));
};

const receipt = (n: number, mark: Receipt["mark"]): Receipt => ({
  frame: "receipt",
  n,
  mark,
  at: 1,
  persons: [],
  devices: [],
});

const refusal = (n: number, code: string, retry = true, known = false): Refused => ({
  frame: "refused",
  n,
  code,
  reason: "",
  retry,
  known,
  lists: [],
  bundles: [],
});

function outbox(count: number, scope: Bytes = HERE): Outbox {
  const made = new Outbox([], new Map(), 0);
  for (let number = 1; number <= count; number++) made.add(item(number, scope));
  for (let next = made.nextWaiting(); next; next = made.nextWaiting()) made.number(next, committed);
  return made;
}

const ready_ = (made: Outbox) => made.sendable().map((one) => one.n);

describe("numbers", () => {
  test("each message names the one before it", () => {
    const made = outbox(3);
    expect([1, 2, 3].map((n) => made.find(n)?.seq)).toEqual([1, 2, 3]);
    expect(made.n).toBe(3);
  });

  test("no number is given while one 256 below it lacks an answer", () => {
    const made = outbox(300);
    expect(made.n).toBe(256);
    made.sent(1);
    made.received(receipt(1, "safe"));
    expect(made.nextWaiting()?.item).toBe(257);
  });

  test("a number that the server does not know is given back when its conversation waits", () => {
    const made = outbox(2);
    made.sent(1);
    made.refused(refusal(1, "no_device"));
    made.stop(HERE);
    expect(made.find(1)).toBeUndefined();
    made.add(item(3, THERE));
    expect(made.nextWaiting()?.item).toBe(3);
  });

  test("a number that may be known stays with its message", () => {
    const made = outbox(1);
    made.sent(1);
    expect(made.refused(refusal(1, "not_saved"))).toBe("hold");
    made.stop(HERE);
    expect(made.find(1)?.item).toBe(1);
  });
});

describe("sending", () => {
  test("one at a time until the devices of a conversation were accepted, then all", () => {
    const made = outbox(3);
    expect(ready_(made)).toEqual([1]);
    made.sent(1);
    expect(ready_(made)).toEqual([]);
    made.received(receipt(1, "safe"));
    expect(ready_(made)).toEqual([2, 3]);
  });

  test("after the network went, what had no answer goes again with the same commitment", () => {
    const made = outbox(1);
    const c = made.find(1)?.c;
    made.sent(1);
    made.disconnected();
    expect(made.sendable()[0]?.c).toEqual(c);
  });

  test("a new epoch repeats everything that is not delivered", () => {
    const made = outbox(2);
    for (const n of [1, 2]) {
      made.sent(n);
      made.received(receipt(n, "safe"));
    }
    expect(made.welcomed(false)).toEqual([1, 2]);
    expect(made.welcomed(true)).toEqual([]);
    expect(made.find(2)?.stage).toBe("queued");
  });

  test("what could not be opened is sealed again three times and no more", () => {
    const made = outbox(1);
    made.sent(1);
    for (let turn = 0; turn < 3; turn++) {
      expect(made.received(receipt(1, "unreadable"))?.stage).toBe("safe");
      expect(ready_(made)).toEqual([1]);
      made.sent(1);
    }
    expect(made.received(receipt(1, "unreadable"))?.stage).toBe("unreadable");
  });

  test("a refused set is mended four times in a row, then it waits", () => {
    const made = outbox(1);
    const reactions = Array.from({ length: 5 }, () => {
      made.sent(1);
      return made.refused(refusal(1, "wrong_devices"));
    });
    expect(reactions).toEqual(["mend", "mend", "mend", "mend", "hold"]);
  });

  test("what is refused for good is told and leaves the queue", () => {
    const made = outbox(1);
    made.sent(1);
    expect(made.refused(refusal(1, "not_member", false))).toBe("failed");
    expect([...made.takeChanges().items.values()].map((one) => [one.stage, one.refusal])).toEqual([
      ["failed", "not_member"],
    ]);
  });
});

test("fates: unknown goes again, settled without persons was delivered, expired is told", () => {
  const made = outbox(3);
  for (const n of [1, 2, 3]) {
    made.sent(n);
    made.received(receipt(n, "safe"));
  }
  expect(made.told({ n: 1, state: "unknown", persons: [] })?.stage).toBe("queued");
  expect(made.told({ n: 2, state: "settled", persons: [] })?.stage).toBe("delivered");
  expect(made.told({ n: 3, state: "settled", persons: [[filled(16, 1), "expired"]] })?.stage).toBe("expired");
});
