// Calls over a channel of messages: asked on one side, answered on the other. Both page and worker, and two workers.

import { Fault } from "../client/errors";
import type { Calls, FaultView } from "./contract";

export type Name = keyof Calls;
export type Args<K extends Name> = Parameters<Calls[K]>;
export type Result<K extends Name> = ReturnType<Calls[K]>;

export interface Question {
  readonly ask: number;
  readonly name: Name;
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly fault: FaultView };

/** Somebody who can be asked. */
export type Ask = <K extends Name>(name: K, ...args: Args<K>) => Promise<Result<K>>;

/** The asking side: numbers its questions and keeps who waits for an answer. */
export class Asker {
  readonly #post: (question: Question) => void;
  readonly #waiting = new Map<number, { done: (value: unknown) => void; failed: (fault: Fault) => void }>();
  #asked = 0;

  constructor(post: (question: Question) => void) {
    this.#post = post;
  }

  ask: Ask = (name, ...args) =>
    new Promise((done, failed) => {
      const ask = ++this.#asked;
      this.#waiting.set(ask, { done: done as (value: unknown) => void, failed });
      this.#post({ ask, name, args });
    });

  /** An answer came. */
  hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.answer);
    this.#waiting.delete(reply.answer);
    if ("fault" in reply) waiting?.failed(new Fault(reply.fault.name, reply.fault.code));
    else waiting?.done(reply.value);
  }

  /** Nobody will answer any more. */
  abandon(): void {
    for (const { failed } of this.#waiting.values()) failed(new Fault("unreachable"));
    this.#waiting.clear();
  }
}

/** The answering side. What is no `Fault` says nothing but that it failed. */
export async function reply(question: Question, ask: Ask): Promise<Reply> {
  try {
    const value = await (ask as (name: Name, ...args: readonly unknown[]) => Promise<unknown>)(
      question.name,
      ...question.args,
    );
    return { answer: question.ask, value };
  } catch (error) {
    const fault = error instanceof Fault ? { name: error.name, code: error.code } : undefined;
    return { answer: question.ask, fault: fault ?? { name: "state_failed", code: "" } };
  }
}
