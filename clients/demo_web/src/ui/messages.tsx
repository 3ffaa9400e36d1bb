// What was said, oldest first. The newest stays in sight unless the person has scrolled away from it.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { EntryView, MessageView, TalkView } from "../worker/contract";
import { safeLine, safeText } from "./safe_text";
import { entries, older } from "./state";
import { dayOf, sameDay, timeOf } from "./times";
import { gapOf, NOTES, refusalOf, STAGES, TEXTS } from "./words";

const NEAR_PX = 120;
const JOINED_MS = 5 * 60_000;

export function Messages({ talk }: { talk: TalkView }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const before = useRef({ first: 0, height: 0 });
  const shown = entries.value;
  const first = shown[0]?.place ?? 0;

  useLayoutEffect(() => {
    const at = box.current;
    if (!at) return;
    const grownAbove = before.current.first > 0 && first < before.current.first;
    if (grownAbove) at.scrollTop += at.scrollHeight - before.current.height;
    else if (stuck.current) at.scrollTop = at.scrollHeight;
    before.current = { first, height: at.scrollHeight };
  }, [shown]);
  useStay(box, stuck);

  const scrolled = () => {
    const at = box.current;
    if (!at) return;
    stuck.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_PX;
    if (at.scrollTop < NEAR_PX && first) void older();
  };

  return (
    <div
      class="messages"
      ref={box}
      onScroll={scrolled}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1)
      tabIndex={0}
      role="log"
      aria-live="polite"
      aria-label="Messages"
    >
      {shown.length === 0 && <p class="hollow">{TEXTS.noMessages}</p>}
      {shown.map((entry, at) => (
        <Entry key={entry.place} entry={entry} before={shown[at - 1]} after={shown[at + 1]} talk={talk} />
      ))}
    </div>
  );
}

/** When the keyboard of a phone comes up, the newest message stays in sight. */
function useStay(box: { current: HTMLDivElement | null }, stuck: { current: boolean }): void {
  useEffect(() => {
    const at = box.current;
    if (!at) return undefined;
    const watch = new ResizeObserver(() => {
      if (stuck.current) at.scrollTop = at.scrollHeight;
    });
    watch.observe(at);
    return () => watch.disconnect();
  }, []);
}

interface EntryProps {
  readonly entry: EntryView;
  readonly before: EntryView | undefined;
  readonly after: EntryView | undefined;
  readonly talk: TalkView;
}

function Entry({ entry, before, after, talk }: EntryProps): JSX.Element {
  const sender = safeLine(
    talk.people.find((person) => person.account === entry.sender)?.alias ?? "Somebody who left",
  );
  if (entry.type === "gap") return <p class="gap">{gapOf(entry.missing, sender)}</p>;
  const newDay = before?.type !== "message" || !sameDay(before.sentAt, entry.sentAt);
  const joined = !newDay && goesOn(before, entry);
  return (
    <>
      {newDay && <h2 class="day">{dayOf(entry.sentAt)}</h2>}
      <article class={`message ${entry.outgoing ? "own" : "other"}${joined ? " joined" : ""}`}>
        <h3 class={talk.people.length > 2 && !entry.outgoing && !joined ? "sender" : "only-heard"}>
          {entry.outgoing ? "You" : sender}
        </h3>
        <p class="said" dir="auto">
          {safeText(entry.text)}
        </p>
        <Beside entry={entry} talk={talk} last={!goesOn(entry, after)} />
      </article>
    </>
  );
}

/** Whether the same person goes on within a few minutes. */
const goesOn = (one: EntryView | undefined, next: EntryView | undefined): boolean =>
  one?.type === "message" &&
  next?.type === "message" &&
  one.sender === next.sender &&
  next.sentAt - one.sentAt < JOINED_MS;

/** Time and state, where a run of messages ends or something is not as it should be. */
function Beside({
  entry,
  talk,
  last,
}: {
  entry: MessageView;
  talk: TalkView;
  last: boolean;
}): JSX.Element | null {
  const stage = stageOf(entry, talk);
  const notes = [
    ...entry.notes.map((note) => NOTES[note] ?? ""),
    entry.unapproved ? "Not accepted by you yet." : "",
  ];
  const odd = notes.filter(Boolean);
  const arrived = stage === "delivered" || stage === "read";
  if (!last && !odd.length && (arrived || !entry.outgoing)) return null;
  const refusal = refusalOf(entry.refusal);
  return (
    <footer class={stage === "failed" || odd.length ? "beside caution" : "beside"}>
      <time dateTime={new Date(entry.sentAt).toISOString()}>{timeOf(entry.sentAt)}</time>
      {entry.outgoing && (
        <span class={`stage ${stage}`}>
          {STAGES[stage]}
          {refusal && `: ${refusal}`}
        </span>
      )}
      {odd.map((note) => (
        <span key={note}>{note}</span>
      ))}
    </footer>
  );
}

/** How far it has come, the other person's own word included. */
const stageOf = (entry: MessageView, talk: TalkView): MessageView["stage"] =>
  entry.stage === "delivered" && entry.thisDevice && entry.seq > 0 && entry.seq <= talk.readSeq
    ? "read"
    : entry.stage;
