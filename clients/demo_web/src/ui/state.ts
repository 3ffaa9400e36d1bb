// What the page knows: told by the worker, shown by the components. Nothing of it is kept beyond this tab.

import { computed, signal } from "@preact/signals";
import type { EntryView, Remark, SelfView, TalkView, Told } from "../worker/contract";
import { Asker, type Question, type Reply } from "../worker/remote";
import { wordsOf } from "./words";

const TYPING_FADES_MS = 10_000;
const MAX_REMARKS = 8;
const PERSON_KEY = "sotto-person"; // names the local state of this tab; says nothing about the person

export type Screen = "starting" | "entry" | "linking" | "chat";
type LinkTold = Extract<Told, { told: "link" }>;

export const screen = signal<Screen>("starting");
export const self = signal<SelfView | undefined>(undefined);
export const talks = signal<readonly TalkView[]>([]);
export const waiting = signal(0);
export const link = signal<LinkTold>({ told: "link", link: "offline", code: "", retryInMs: 0 });
export const remarks = signal<readonly Remark[]>([]);
/** Who types, as "conversation/account". */
export const typing = signal<ReadonlySet<string>>(new Set());
/** The conversation on the screen, and its newest entries in the order of their places. */
export const openId = signal("");
export const entries = signal<readonly EntryView[]>([]);
export const openTalk = computed(() => talks.value.find((talk) => talk.id === openId.value));

const worker = new Worker(new URL("../worker/main.ts", import.meta.url), { type: "module" });
const asker = new Asker((question: Question) => worker.postMessage(question));
export const ask = asker.ask;
worker.onmessage = ({ data }: MessageEvent<Reply | Told>) => {
  if ("told" in data) hear(data);
  else asker.hear(data);
};

/** Ask for what nobody waits for; a fault is shown elsewhere or does not matter. */
export const tell: typeof ask = (name, ...args) => {
  const answer = ask(name, ...args);
  answer.catch(() => undefined);
  return answer;
};

// Coming and going

/** Which state this tab had open before it was reloaded. */
export const rememberedPerson = (): string => sessionStorage.getItem(PERSON_KEY) ?? "";

export function entered(found: SelfView): void {
  sessionStorage.setItem(PERSON_KEY, found.person);
  self.value = found;
  screen.value = "chat";
}

/** Away from this person: the reload ends the worker, and with it every key in memory. */
export function forgotten(): void {
  sessionStorage.removeItem(PERSON_KEY);
  location.reload();
}

// What is told

function hear(told: Told): void {
  switch (told.told) {
    case "link":
      link.value = told;
      return;
    case "talks":
      talks.value = told.talks;
      waiting.value = told.waiting;
      return;
    case "entry":
      if (told.entry.conversation === openId.value) put(told.entry);
      hush(told.entry.conversation, told.entry.sender);
      return;
    case "gone":
      if (told.conversation === openId.value)
        entries.value = entries.value.filter((entry) => entry.place !== told.place);
      return;
    case "typing":
      hearTyping(told.conversation, told.account, told.on);
      return;
    case "remark":
      if (wordsOf(told.remark)) remarks.value = [...remarks.value, told.remark].slice(-MAX_REMARKS);
      return;
    case "alone":
      location.reload(); // the tab that had the state open is gone
  }
}

function put(entry: EntryView): void {
  const others = entries.value.filter((other) => other.place !== entry.place);
  entries.value = [...others, entry].sort((one, other) => one.place - other.place);
}

const fading = new Map<string, ReturnType<typeof setTimeout>>();

function hearTyping(conversation: string, account: string, on: boolean): void {
  const key = `${conversation}/${account}`;
  clearTimeout(fading.get(key));
  const others = [...typing.value].filter((other) => other !== key);
  typing.value = new Set(on ? [...others, key] : others);
  if (on)
    fading.set(
      key,
      setTimeout(() => hush(conversation, account), TYPING_FADES_MS),
    );
}

/** Whoever said something has stopped typing it. */
const hush = (conversation: string, account: string): void => {
  if (typing.value.has(`${conversation}/${account}`)) hearTyping(conversation, account, false);
};

// The open conversation

export async function open(id: string): Promise<void> {
  openId.value = id;
  entries.value = [];
  if (!id) return;
  const found = await ask("history", id);
  if (openId.value !== id) return;
  const known = new Set(found.map((entry) => entry.place));
  entries.value = [...found, ...entries.value.filter((entry) => !known.has(entry.place))];
}

/** Older entries; false where there are none. */
export async function older(): Promise<boolean> {
  const id = openId.value;
  const found = await ask("history", id, entries.value[0]?.place);
  if (openId.value !== id || found.length === 0) return false;
  entries.value = [...found, ...entries.value];
  return true;
}

export const dismiss = (remark: Remark): void => {
  remarks.value = remarks.value.filter((other) => other !== remark);
};
