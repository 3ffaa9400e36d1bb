// The shape of a frame's field, and values checked against it: what does not fit is no frame (PROTOCOL 3).

import type { Bytes } from "../bytes";

/** Reads a value as it came out of MessagePack; throws `Misshapen`. */
export type Kind = (value: unknown) => unknown;

/** Name, kind, and whether it may be left off from the end. */
export type Field = readonly [name: string, kind: Kind, optional?: boolean];
export type Shape = readonly Field[];

export class Misshapen extends Error {}

function demand(holds: boolean): asserts holds {
  if (!holds) throw new Misshapen("not a frame");
}

export const bytes =
  (least: number, most: number): Kind =>
  (value): Bytes => {
    demand(value instanceof Uint8Array || value instanceof ArrayBuffer);
    const raw = value instanceof Uint8Array ? value : new Uint8Array(value);
    demand(raw.length >= least && raw.length <= most);
    return raw;
  };

export const integer =
  (least: number, most: number): Kind =>
  (value) => {
    demand(Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most);
    return value;
  };

export const flag: Kind = (value) => {
  demand(typeof value === "boolean");
  return value;
};

export const text =
  (most: number): Kind =>
  (value) => {
    demand(typeof value === "string" && value.length <= most);
    return value;
  };

export const choice =
  (...words: string[]): Kind =>
  (value) => {
    demand(typeof value === "string" && words.includes(value));
    return value;
  };

export const list =
  (of: Kind, most: number): Kind =>
  (value) => {
    demand(Array.isArray(value) && value.length <= most);
    return value.map(of);
  };

export const pair =
  (...kinds: Kind[]): Kind =>
  (value) => {
    demand(Array.isArray(value) && value.length === kinds.length);
    return kinds.map((kind, at) => kind(value[at]));
  };

export const part =
  (shape: Shape): Kind =>
  (value) => {
    demand(Array.isArray(value));
    return fromArray(shape, value);
  };

/** The fields of an array by name. A field left off is empty: false or no items. */
export function fromArray(shape: Shape, values: readonly unknown[]): Record<string, unknown> {
  demand(values.length <= shape.length);
  const found: Record<string, unknown> = {};
  shape.forEach(([name, kind, optional], at) => {
    if (at < values.length) found[name] = kind(values[at]);
    else {
      demand(optional === true);
      found[name] = kind === flag ? false : [];
    }
  });
  return found;
}

/** The array of a value's fields, parts inside it as arrays too. */
export function toArray(shape: Shape, value: object): unknown[] {
  return shape.map(([name]) => plain((value as Record<string, unknown>)[name]));
}

/** Parts are objects whose fields stand in the order of their shape. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array || value === null || typeof value !== "object") return value;
  return Object.values(value).map(plain);
}
