// The words of the web client: plain, short, and in one place.

import type { FaultName } from "../client/errors";
import type { Stage } from "../client/values";
import { CATALOGUE } from "../protocol/wire";
import type { Remark, TalkView } from "../worker/contract";
import { safeLine } from "./safe_text";

export const STAGES: Record<Stage, string> = {
  queued: "waiting",
  sent: "sent",
  safe: "safe",
  withheld: "held back",
  delivered: "delivered",
  read: "read",
  expired: "never collected",
  unreadable: "could not be opened there",
  lost: "not received",
  failed: "not sent",
};

/** What the words beside a message mean. */
export const LEGEND: readonly (readonly [string, string])[] = [
  ["waiting", "Kept on this device. It goes out as soon as it can."],
  ["sent", "On its way to the server."],
  ["safe", "It will not be lost."],
  ["delivered", "A device of each other person has it."],
  ["read", "The other person's own word."],
];

const PURPOSES: Record<string, string> = {
  treatment: "Treatment",
  support: "Support",
  operations: "Team",
};

export const purposeOf = (talk: TalkView): string => PURPOSES[talk.purpose] ?? safeLine(talk.purpose);

export const othersOf = (talk: TalkView) => talk.people.filter((person) => !person.own);

/** The other people of a conversation. */
export const titleOf = (talk: TalkView): string =>
  othersOf(talk)
    .map((person) => safeLine(person.alias))
    .join(", ") || "Only you";

const CALM = new Set<Remark["kind"]>([
  "pinned",
  "device_added",
  "device_removed",
  "member_removed",
  "unreachable",
]);

export const isCalm = (remark: Remark): boolean => CALM.has(remark.kind);

const REMARKS: Record<Remark["kind"], string> = {
  pinned: "",
  device_added: "{who} added a device. What you write is sealed to it, too.",
  device_removed: "{who} removed a device.",
  member_removed: "{who} left the conversation.",
  member_added: "{who} was added and could read from now on.",
  identity_changed: "The identity of {who} changed. Ask them by another way and compare safety numbers.",
  rollback: "The server showed an old device list or key of {who}. It was refused.",
  fork: "The server showed two different device lists or keys of {who}. The second was refused.",
  forged: "The server showed a device list or key of {who} that is not genuine. It was refused.",
  own_list: "Somebody else changed the device list of your account. It was refused.",
  said_twice: "A device of {who} said two different things as one message. The first was kept.",
  unopened: "A message of {who} could not be opened. It was kept, and asked for again.",
  unreachable: "{who} cannot receive now. It waits at the server.",
};

/** A remark in words; empty where it needs none. */
export const wordsOf = (remark: Remark): string =>
  REMARKS[remark.kind].replace("{who}", safeLine(remark.who) || "somebody");

export const NOTES: Record<string, string> = {
  members_differ: "They saw other members than you.",
  sent_at_far: "Their clock is off.",
};

const FAULTS: Record<FaultName, string> = {
  refused: "The server refused.",
  unreachable: "The server cannot be reached. Try again in a moment.",
  bad_answer: "The server's answer could not be read.",
  wrong_password: "That password does not open what is kept here.",
  weak_password: "Choose another password.",
  linking_needed: "This account has a device already.",
  state_failed: "This browser can no longer keep your messages. Close the other tabs and reload.",
  state_damaged: "What this browser keeps for you cannot be read.",
  state_rolled_back: "What this browser keeps is older than what the server knows. Sign in as a new device.",
  stopped: "The server ended the connection.",
  insecure: "Open this page by https: without it, others on the way could read and change it.",
  too_long: "That is too long for one message.",
  queue_full: "Too many messages are waiting for the network.",
  unknown_conversation: "You are no longer part of this conversation.",
  number_changed: "The number changed while you compared it. Compare the new one.",
};

const WEAK: Record<string, string> = {
  too_short:
    "Use at least 15 characters. Four or five words that have nothing to do with each other are good.",
  repeated: "It repeats itself. Use words that have nothing to do with each other.",
  common: "It is made of what guessers try first. Use words that have nothing to do with each other.",
  own_name: "It is little more than a name of yours or of this service.",
};

/** What went wrong, for a person. Anything unknown says only that. */
export function faultOf(error: unknown): string {
  const { name, code } = error as { name?: FaultName; code?: string };
  if (name === "weak_password") return WEAK[code ?? ""] ?? FAULTS.weak_password;
  if (name === "refused") return CATALOGUE[code ?? ""]?.reason ?? FAULTS.refused;
  return name && Object.hasOwn(FAULTS, name) ? FAULTS[name] : "Something went wrong.";
}

/** A visible hole. */
export const gapOf = (missing: number, who: string): string =>
  missing === 1 ? `1 message of ${who} is missing` : `${missing} messages of ${who} are missing`;

/** Why a message was not sent. */
export function refusalOf(code: string): string {
  if (code === "too_long") return "too long for this conversation";
  return CATALOGUE[code]?.reason.replace(/\.$/, "").toLowerCase() ?? "";
}

export const TEXTS = {
  entryTitle: "Private by design",
  entryLead: "Only the people in a conversation can read it. Not the server, and not whoever runs it.",
  passwordHint:
    "It opens what is kept on this device. Nobody can reset it or look it up: without it, what is kept here is lost.",
  blocked: "Nothing is sent until you have seen who can read.",
  empty: "There is no conversation yet. It appears here as soon as you are in one.",
  choose: "Choose a conversation.",
  noMessages: "No messages yet. What you write is sealed on this device before it leaves.",
  signedOut: "You were signed out after a pause. Nothing is lost.",
  left: "You are no longer part of this conversation.",
  remembered: "Demo: this browser opens your messages without a password.",
} as const;
