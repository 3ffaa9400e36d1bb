// The worker: keys, state and socket live here and nowhere else. The page sends questions and is told what happens.

import { Fault } from "../client/errors";
import { ready } from "../crypto/sodium";
import type { Told } from "./contract";
import { personOf } from "./entrance";
import { type Args, type Ask, type Name, type Question, reply } from "./remote";
import { Seat } from "./seats";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const tell = (told: Told): void => scope.postMessage(told);
let seat: { readonly person: string; readonly taken: Promise<Seat> } | undefined;

/** The seat of a person; what is asked later is asked there. */
function seatOf(person: string): Promise<Seat> {
  if (seat?.person !== person) seat = { person, taken: Seat.take(person, scope.location.origin, tell) };
  return seat.taken;
}

/** Which person a question is about: those that lead in name one. */
function personIn(name: Name, args: readonly unknown[]): string | undefined {
  if (name === "begin") return String(args[0]);
  if (name === "enter") return personOf(String(args[0]));
  if (name === "join" || name === "follow") return personOf(String(args[1]));
  return seat?.person;
}

const ask: Ask = async <K extends Name>(name: K, ...args: Args<K>) => {
  await ready;
  const person = personIn(name, args);
  if (!person) throw new Fault("state_failed");
  return (await seatOf(person)).ask(name, ...args);
};

scope.onmessage = async ({ data }: MessageEvent<Question>) => scope.postMessage(await reply(data, ask));
