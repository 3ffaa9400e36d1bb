// How long things made by a device are good for (CRYPTO sections 1 and 2). All in milliseconds.

import { require } from "./refusals";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const DATED_SLACK_MS = 5 * MINUTE_MS; // keys and lists dated further off are refused
export const ROTATE_AFTER_MS = 24 * HOUR_MS; // a newer mail key is made when the newest is this old
export const SENDS_FOR_MS = 48 * HOUR_MS; // a mail key sends until created + this
export const DESTROY_AFTER_MS = 15 * MINUTE_MS; // earliest destruction after replaced_at, at a `current`
export const MAIL_LIFE_MS = 30 * DAY_MS; // use 0: senders refuse the key from created + this
export const CALL_LIFE_MS = 24 * HOUR_MS; // use 1
export const SECRET_LIFE_MS = 61 * DAY_MS; // a secret is destroyed by created + this in any case
export const FRESH_MS = 120_000; // classes 2 and 3: sent_at against accepted_at

/** Refuse a key or list dated more than five minutes from the server's clock. */
export function requireDated(madeMs: number, nowMs: number): void {
  require(Math.abs(madeMs - nowMs) <= DATED_SLACK_MS, "dated_off");
}
