// The encrypted local state in IndexedDB: writes in order, each group as a whole, durable before anybody is told.
//
// `durability: "strict"` asks the browser to have it on the disk before the transaction completes (CRYPTO section 3).
// After a failed write nothing is written any more, because memory would run ahead of the disk. One worker owns a
// state at a time (worker/ownership): two would give one number to two messages.

import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from "idb";
import { type Bytes, concat } from "../bytes";
import { Fault } from "../client/errors";
import { u64 } from "../crypto/fields";
import { Refused } from "../crypto/refusals";
import { openRecord, sealRecord, type VaultOwner } from "../crypto/vault";
import { pack, type StoreName } from "./records";

const FORMAT = 1;
const HEAD = "head";
const RECORD = "record";

/** What stands in the clear: whose state this is, and the vault key wrapped. */
export interface Head extends VaultOwner {
  readonly salt: Bytes;
  /** V under what the password derives to. */
  readonly wrapped: Bytes;
  /** V under a key that this browser keeps and no script can read; demo people only (worker/remembered). */
  readonly remembered?: { readonly key: CryptoKey; readonly nonce: Bytes; readonly wrapped: Bytes };
}

interface Schema extends DBSchema {
  head: { key: string; value: Head };
  record: { key: IDBValidKey[]; value: Uint8Array };
}

/** A record's store, key and plaintext; undefined removes it. */
export type Write = readonly [store: StoreName, key: Bytes, value: Bytes | undefined];
/** A record's key and plaintext. */
export type Row = readonly [key: Bytes, value: Bytes];

/** A group of changes that belong together; owned by whoever fills it, applied once. */
export class Writes {
  readonly rows: Write[] = [];

  put(store: StoreName, key: Bytes, record: object): void {
    this.rows.push([store, key, record instanceof Uint8Array ? record : pack(record)]);
  }

  drop(store: StoreName, key: Bytes): void {
    this.rows.push([store, key, undefined]);
  }
}

/** The name of a person's state; it does not say who it is. */
const databaseName = (person: string): string => `sotto-${person}`;

export class Database {
  readonly #db: IDBPDatabase<Schema>;
  readonly #vaultKey: Bytes;
  readonly #onFailed: () => void;
  #waiting: { rows: readonly Write[]; done: () => void; failed: (error: unknown) => void }[] = [];
  #draining: Promise<void> | undefined;
  #failed = false;

  constructor(db: IDBPDatabase<Schema>, vaultKey: Bytes, onFailed: () => void = () => undefined) {
    this.#db = db;
    this.#vaultKey = vaultKey;
    this.#onFailed = onFailed;
  }

  /** The head of a person's state in this browser, if there is one. */
  static async head(person: string): Promise<Head | undefined> {
    const db = await open(person);
    const head = await db.get(HEAD, HEAD);
    db.close();
    if (!head) await deleteDB(databaseName(person));
    return head;
  }

  /** A new state. What may be left of one that was never finished goes. */
  static async create(person: string, head: Head, vaultKey: Bytes, writes: Writes): Promise<Database> {
    const db = await open(person);
    const tx = db.transaction([HEAD, RECORD], "readwrite", { durability: "strict" });
    await tx.objectStore(RECORD).clear();
    await tx.objectStore(HEAD).put(head, HEAD);
    for (const [store, key, value] of writes.rows)
      if (value) await tx.objectStore(RECORD).put(sealRecord(vaultKey, store, key, value), keyOf(store, key));
    await tx.done;
    return new Database(db, vaultKey);
  }

  static async unlock(person: string, vaultKey: Bytes): Promise<Database> {
    return new Database(await open(person), vaultKey);
  }

  /** Put the vault key under something else as well. */
  static async rehead(person: string, head: Head): Promise<void> {
    const db = await open(person);
    await db.put(HEAD, head, HEAD);
    db.close();
  }

  /** Resolves when this group and all before it are durable. Groups that wait share a transaction. */
  submit(writes: Writes): Promise<void> {
    if (this.#failed) return Promise.reject(new Fault("state_failed"));
    const promise = new Promise<void>((done, failed) => {
      this.#waiting.push({ rows: writes.rows, done, failed });
    });
    this.#draining ??= this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length) {
      const groups = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#failed) throw new Fault("state_failed");
        await this.#apply(groups.flatMap((group) => group.rows));
        for (const group of groups) group.done();
      } catch {
        this.#failed = true;
        this.#onFailed();
        for (const group of groups) group.failed(new Fault("state_failed"));
      }
    }
    this.#draining = undefined;
  }

  async #apply(rows: readonly Write[]): Promise<void> {
    if (rows.length === 0) return;
    const sealed = rows.map(([store, key, value]) => ({
      at: keyOf(store, key),
      value: value && sealRecord(this.#vaultKey, store, key, value),
    }));
    const tx = this.#db.transaction(RECORD, "readwrite", { durability: "strict" });
    const puts = sealed.map(({ at, value }) => (value ? tx.store.put(value, at) : tx.store.delete(at)));
    await Promise.all([...puts, tx.done]);
  }

  /** Those of the records that exist; sees every group submitted before. */
  async get(store: StoreName, keys: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    await this.#draining;
    const tx = this.#db.transaction(RECORD, "readonly");
    const found = await Promise.all(keys.map((key) => tx.store.get(keyOf(store, key))));
    return found.map((value, at) => value && this.#open(store, keys[at] ?? value, value));
  }

  /** Every record of a store, in the order of the keys. */
  async all(store: StoreName): Promise<Row[]> {
    await this.#draining;
    const range = IDBKeyRange.bound([store], [store, []]); // an array sorts above any bytes
    const tx = this.#db.transaction(RECORD, "readonly");
    const [keys, values] = await Promise.all([tx.store.getAllKeys(range), tx.store.getAll(range)]);
    return values.map((value, at) => this.#row(store, keys[at]?.[1], value));
  }

  /** At most `limit` records of `prefix || u64` below `before`, highest first. */
  async lastBefore(store: StoreName, prefix: Bytes, before: number, limit: number): Promise<Row[]> {
    await this.#draining;
    const [low, high] = [concat(prefix, u64(0)), concat(prefix, u64(before))];
    const range = IDBKeyRange.bound(keyOf(store, low), keyOf(store, high), false, true);
    const rows: Row[] = [];
    const tx = this.#db.transaction(RECORD, "readonly");
    for (
      let at = await tx.store.openCursor(range, "prev");
      at && rows.length < limit;
      at = await at.continue()
    )
      rows.push(this.#row(store, at.key[1], at.value));
    return rows;
  }

  async close(): Promise<void> {
    await this.#draining;
    this.#failed = true;
    this.#db.close();
  }

  #row(store: StoreName, key: IDBValidKey | undefined, value: Uint8Array): Row {
    const raw = new Uint8Array(key as ArrayBuffer); // IndexedDB gives keys back as ArrayBuffer
    return [raw, this.#open(store, raw, value)];
  }

  #open(store: StoreName, key: Bytes, value: Bytes): Bytes {
    try {
      return openRecord(this.#vaultKey, store, key, value);
    } catch (error) {
      if (error instanceof Refused) throw new Fault("state_damaged");
      throw error;
    }
  }
}

/** Where a record is: IndexedDB orders arrays by their parts, and bytes as bytes. */
const keyOf = (store: StoreName, key: Bytes): IDBValidKey[] => [store, key as Uint8Array<ArrayBuffer>];

const open = (person: string): Promise<IDBPDatabase<Schema>> =>
  openDB<Schema>(databaseName(person), FORMAT, {
    upgrade(db) {
      db.createObjectStore(HEAD);
      db.createObjectStore(RECORD);
    },
  });
