// People with keys, and the lists and bundles that they sign.

import { type Bytes, compare } from "../../src/bytes";
import { encodeBundle, mailBody, signBundle } from "../../src/crypto/bundles";
import { ZERO_HASH } from "../../src/crypto/fields";
import { type DeviceList, deviceList, parseList, signList } from "../../src/crypto/lists";
import { BoxKey, DeviceKey, IdentityKey } from "../../src/crypto/signing";

export const NOW = 1_800_000_000_000;
export const TENANT = filled(16, 9);

export function filled(length: number, byte: number): Bytes {
  return new Uint8Array(length).fill(byte);
}

/** Somebody with an identity and any number of devices; all of it follows from one number. */
export class Someone {
  readonly account: Bytes;
  readonly identity: IdentityKey;

  constructor(number: number) {
    this.account = filled(16, number);
    this.identity = new IdentityKey(filled(32, number));
  }

  device(number: number): DeviceKey {
    return new DeviceKey(filled(32, 100 + number));
  }

  /** A list of these devices that follows another, signed by whoever is named. */
  list(devices: DeviceKey[], before?: DeviceList, by: IdentityKey = this.identity): Bytes {
    const listed = devices
      .map((device) => ({ devicePk: device.public, mayAdd: true, addedMs: NOW }))
      .sort((one, other) => compare(one.devicePk, other.devicePk));
    const body = deviceList({
      tenant: TENANT,
      account: this.account,
      version: (before?.version ?? 0) + 1,
      prevHash: before?.listHash ?? ZERO_HASH,
      identityPk: by.public,
      issuedMs: NOW,
      reset: false,
      devices: listed,
    });
    return signList(body, by);
  }
}

/** A device's mail key under a list. */
export function bundle(device: DeviceKey, list: Bytes, keyNo = 1, secret = 200 + keyNo): Bytes {
  const own = parseList(list).body;
  const boxPk = new BoxKey(filled(32, secret)).public;
  const body = mailBody({ deviceId: device.id, keyNo, createdMs: NOW, boxPk, listVersion: own.version });
  return encodeBundle(signBundle(body, device, own));
}
