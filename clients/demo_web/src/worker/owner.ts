// The worker that has a person's state open: it answers every tab, and tells all of them.

import { hex, unhex } from "../bytes";
import type { Client } from "../client/client";
import { Fault } from "../client/errors";
import type { Event } from "../client/values";
import type { Begun, EntryView, SelfView, Told } from "./contract";
import { type Entered, Entrance } from "./entrance";
import type { Args, Ask, Name, Result } from "./remote";
import { tidings } from "./tidings";
import { entryView, selfView, talkViews } from "./views";

type Answers = { [K in Name]: (...args: Args<K>) => Result<K> | Promise<Result<K>> };

export class Owner {
  readonly #person: string;
  readonly #entrance: Entrance;
  readonly #tell: (told: Told) => void;
  readonly #last = new Map<string, EntryView>();
  #open: { readonly client: Client; readonly self: SelfView } | undefined;
  #link: Told = { told: "link", link: "offline", code: "", retryInMs: 0 };
  #talksDue = false;

  constructor(person: string, origin: string, tell: (told: Told) => void) {
    this.#person = person;
    this.#tell = tell;
    this.#entrance = new Entrance(person, origin, (event) => this.#hear(event));
  }

  ask: Ask = async (name, ...args) => {
    const answer = this.#answers[name] as (...args: unknown[]) => Result<typeof name>;
    return answer(...args);
  };

  // What is asked

  readonly #answers: Answers = {
    begin: () => this.#begin(),
    enter: (name, password) => this.#entered(password, () => this.#entrance.enter(name, password)),
    follow: (code, name, password) =>
      this.#entered(password, () => this.#entrance.follow(code, name, password)),
    join: async (code, name, password) => this.#opened(await this.#entrance.join(code, name, password)),
    signInAgain: (password) => this.#client.signIn(password),
    signOut: () => this.#client.signOut(),
    history: async (conversation, before) => {
      const entries = await this.#client.history(unhex(conversation), before);
      return entries.map((entry) => entryView(this.#client.core, entry));
    },
    draft: (conversation) => this.#client.core.drafts.get(conversation) ?? "",
    keepDraft: (conversation, text) => this.#client.keepDraft(unhex(conversation), text),
    send: (conversation, text) => this.#client.send(unhex(conversation), text),
    retry: (conversation) => this.#client.retry(unhex(conversation)),
    read: (conversation) => this.#client.read(unhex(conversation)),
    typing: (conversation, on) => this.#client.typing(unhex(conversation), on),
    active: () => this.#open?.client.active(),
    network: (there) => this.#open?.client.network(there),
    safety: (account) => this.#client.core.pins.safety(unhex(account)) ?? "",
    verify: (account, number, holds) => this.#client.verify(unhex(account), number, holds),
    approve: async (conversation, shown) => {
      const exact = shown.map((one) => ({ account: unhex(one.account), identity: unhex(one.identity) }));
      return (await this.#client.approve(unhex(conversation), exact)).map(hex);
    },
  };

  get #client(): Client {
    if (!this.#open) throw new Fault("state_failed");
    return this.#open.client;
  }

  async #begin(): Promise<Begun> {
    if (this.#open) return { at: "open", self: this.#shownAgain(this.#open.self) };
    const found = await this.#entrance.remembered();
    return typeof found === "string" ? { at: found } : { at: "open", self: await this.#opened(found) };
  }

  /** Where another tab has it open already, the password must lead in all the same. */
  async #entered(password: string, enter: () => Promise<Entered>): Promise<SelfView> {
    if (!this.#open) return this.#opened(await enter());
    await this.#entrance.prove(password);
    return this.#shownAgain(this.#open.self);
  }

  async #opened(entered: Entered): Promise<SelfView> {
    const { client, remembered } = entered;
    const self = selfView(client.core, this.#person, remembered);
    this.#open = { client, self };
    for (const scope of client.core.talks.keys())
      for (const entry of await client.history(unhex(scope), undefined, 1))
        this.#last.set(scope, entryView(client.core, entry));
    this.#tellTalks();
    client.start();
    return self;
  }

  /** Another tab, or the same again: everything that it needs to know is told once more. */
  #shownAgain(self: SelfView): SelfView {
    this.#tell(this.#link);
    this.#tellTalks();
    return self;
  }

  // What happens

  #hear(event: Event): void {
    if (!this.#open) return;
    for (const told of tidings(this.#open.client, event)) {
      if (told.told === "link") this.#link = told;
      if (told.told === "entry") this.#keepLast(told.entry);
      this.#tell(told);
    }
    if (event.event !== "typing") this.#tellTalks();
  }

  #keepLast(entry: EntryView): void {
    const last = this.#last.get(entry.conversation);
    if (!last || last.place <= entry.place) this.#last.set(entry.conversation, entry);
  }

  /** Once a turn is enough: many things change the list at a time. */
  #tellTalks(): void {
    if (this.#talksDue) return;
    this.#talksDue = true;
    setTimeout(() => {
      this.#talksDue = false;
      if (!this.#open) return;
      const { client } = this.#open;
      this.#tell({
        told: "talks",
        talks: talkViews(client, this.#last),
        waiting: client.core.outbox.unsafe(),
      });
    });
  }
}
