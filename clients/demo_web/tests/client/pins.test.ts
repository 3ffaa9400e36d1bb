// Device-list attacks never make this client seal a box to the addition.

import { beforeAll, describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import { ForeignOwnList, ListsMissing, Pins } from "../../src/client/pins";
import { parseList } from "../../src/crypto/lists";
import { Refused } from "../../src/crypto/refusals";
import { ready } from "../../src/crypto/sodium";
import { bundle, NOW, Someone, TENANT } from "./people";

beforeAll(() => ready);

function scene() {
  const [me, sage, stranger] = [new Someone(1), new Someone(2), new Someone(3)];
  const own = me.device(1);
  const [known, added] = [sage.device(2), sage.device(3)];
  const pins = new Pins({ tenant: TENANT, account: me.account, devicePk: own.public });
  pins.takeOwnList(me.list([own]));
  const first = sage.list([known]);
  pins.takeList(sage.account, first);
  pins.takeBundle(bundle(known, first));
  const devices = () =>
    pins.recipients([me.account, sage.account], NOW).map((to) => hex(to.bundle.body.deviceId));
  return { me, sage, stranger, known, added, pins, first, devices, before: parseList(first).body };
}

const reason = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof Refused ? error.reason : (error as Error).constructor.name;
  }
  return "taken";
};

describe("what the server shows of a contact", () => {
  test("a device that nobody signed is not taken, and neither is its key", () => {
    const { sage, added, pins, devices, before, known } = scene();
    const forged = sage.list([known, added], before);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(reason(() => pins.takeList(sage.account, forged))).toBe("bad_signature");
    expect(reason(() => pins.takeBundle(bundle(added, sage.list([known, added], before))))).toBe(
      "unknown_sender",
    );
    expect(devices()).toEqual([hex(known.id)]);
  });

  test("a list that another identity signed is not taken", () => {
    const { sage, stranger, known, added, pins, devices, before } = scene();
    const foreign = sage.list([known, added], before, stranger.identity);
    expect(reason(() => pins.takeList(sage.account, foreign))).toBe("identity_changed");
    expect(devices()).toEqual([hex(known.id)]);
  });

  test("a lower version is a rollback, the same version with another hash a fork", () => {
    const { sage, known, added, pins, first, before, devices } = scene();
    const second = sage.list([known], before);
    pins.takeList(sage.account, second);
    expect(reason(() => pins.takeList(sage.account, first))).toBe("rollback");
    expect(reason(() => pins.takeList(sage.account, sage.list([known, added], before)))).toBe("list_fork");
    expect(devices()).toEqual([hex(known.id)]);
  });

  test("a list further on is fetched, not believed", () => {
    const { sage, known, added, pins, before } = scene();
    const second = parseList(sage.list([known], before)).body;
    expect(() => pins.takeList(sage.account, sage.list([known, added], second))).toThrow(ListsMissing);
  });

  test("a device that the identity signed is taken and told", () => {
    const { sage, known, added, pins, before, devices } = scene();
    const second = sage.list([known, added], before);
    expect(pins.takeList(sage.account, second)).toEqual(["device_added"]);
    pins.takeBundle(bundle(added, second, 1, 77));
    expect(devices().sort()).toEqual([hex(known.id), hex(added.id)].sort());
  });

  test("a key number never falls, and one box key stands in one device alone", () => {
    const { sage, known, added, pins, first, before } = scene();
    pins.takeBundle(bundle(known, first, 2));
    expect(reason(() => pins.takeBundle(bundle(known, first, 1)))).toBe("key_fell");
    expect(reason(() => pins.takeBundle(bundle(known, first, 2, 55)))).toBe("key_fork");
    const second = sage.list([known, added], before);
    pins.takeList(sage.account, second);
    expect(reason(() => pins.takeBundle(bundle(added, second, 1, 202)))).toBe("shared_box_key");
  });
});

test("a list of the own account that this device did not make is an alarm", () => {
  const { me, pins } = scene();
  const own = pins.newest(me.account);
  expect(() => pins.takeList(me.account, me.list([me.device(1), me.device(9)], own))).toThrow(ForeignOwnList);
});

test("both sides see the same safety number, and approval is of exactly one identity", () => {
  const { me, sage, known, pins, first } = scene();
  const theirs = new Pins({ tenant: TENANT, account: sage.account, devicePk: known.public });
  theirs.takeOwnList(first);
  theirs.takeList(me.account, pins.rawOwn(1));
  expect(theirs.safety(me.account)).toBe(pins.safety(sage.account));
  expect(pins.approve(sage.account, me.identity.public)).toBe(true); // approved before: nothing changes
  pins.verify(sage.account, true);
  expect(pins.verified(sage.account)).toBe(true);
});
