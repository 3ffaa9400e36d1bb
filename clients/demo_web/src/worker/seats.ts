// One tab owns a person's state and its socket, by a Web Lock; the others go through it.
//
// When the owning tab closes, the lock passes to the next one, whose page begins again: the vault key is in no other
// tab, so it is opened by what this browser remembers or by the password.

import type { Told } from "./contract";
import { Owner } from "./owner";
import { type Ask, Asker, type Question, type Reply, reply } from "./remote";

type Passed =
  | { readonly from: string; readonly question: Question }
  | { readonly to: string; readonly reply: Reply }
  | { readonly told: Told };

/** This tab's way to a person's state. Made once for each person of a tab. */
export class Seat {
  readonly #channel: BroadcastChannel;
  readonly #tab = crypto.randomUUID();
  readonly #origin: string;
  readonly #person: string;
  readonly #tell: (told: Told) => void;
  readonly #asker: Asker;
  #owner: Owner | undefined;

  private constructor(person: string, origin: string, tell: (told: Told) => void) {
    this.#person = person;
    this.#origin = origin;
    this.#tell = tell;
    this.#channel = new BroadcastChannel(lockName(person));
    this.#asker = new Asker((question) => this.#pass({ from: this.#tab, question }));
    this.#channel.onmessage = ({ data }: MessageEvent<Passed>) => void this.#hear(data);
  }

  /** Take a place: the owner's if it is free, else one that waits for it. */
  static async take(person: string, origin: string, tell: (told: Told) => void): Promise<Seat> {
    const seat = new Seat(person, origin, tell);
    const first = await new Promise<boolean>((done) => {
      void navigator.locks.request(lockName(person), { ifAvailable: true }, (lock) => {
        done(lock !== null);
        return lock ? seat.#own() : undefined;
      });
    });
    if (!first) void navigator.locks.request(lockName(person), () => seat.#inherit());
    return seat;
  }

  ask: Ask = (name, ...args) => (this.#owner?.ask ?? this.#asker.ask)(name, ...args);

  /** Held until the tab is gone, and the lock with it. */
  #own(): Promise<never> {
    this.#owner = new Owner(this.#person, this.#origin, (told) => {
      this.#tell(told);
      this.#pass({ told });
    });
    return new Promise<never>(() => undefined);
  }

  #inherit(): Promise<never> {
    const held = this.#own();
    this.#asker.abandon();
    this.#tell({ told: "alone" });
    return held;
  }

  async #hear(passed: Passed): Promise<void> {
    if ("question" in passed) {
      if (this.#owner) this.#pass({ to: passed.from, reply: await reply(passed.question, this.#owner.ask) });
    } else if ("reply" in passed) {
      if (passed.to === this.#tab) this.#asker.hear(passed.reply);
    } else if (!this.#owner) this.#tell(passed.told);
  }

  #pass(passed: Passed): void {
    this.#channel.postMessage(passed);
  }
}

const lockName = (person: string): string => `sotto-${person}`;
