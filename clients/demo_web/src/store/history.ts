// The messages and gaps of each conversation, read page by page; whoever commits an entry writes it.

import { type Bytes, concat } from "../bytes";
import type { Entry } from "../client/values";
import { u64 } from "../crypto/fields";
import type { Database } from "./database";
import { STORE, unpack } from "./records";

/** The key of a history record. */
export const placeKey = (scope: Bytes, place: number): Bytes => concat(scope, u64(place));

/** At most `limit` entries of a conversation below the place `before`, oldest of them first. */
export async function page(
  database: Database,
  scope: Bytes,
  before: number,
  limit: number,
): Promise<Entry[]> {
  const rows = await database.lastBefore(STORE.HISTORY, scope, before, limit);
  return rows.map(([, value]) => unpack<Entry>(value)).reverse();
}
