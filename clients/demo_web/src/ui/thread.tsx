// One conversation: who can read it, what was said, and where to write.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { TalkView } from "../worker/contract";
import { Composer } from "./composer";
import { Messages } from "./messages";
import { People } from "./people";
import { safeLine } from "./safe_text";
import { hide } from "./showing";
import { entries, link, tell, typing, waiting } from "./state";
import { othersOf, purposeOf, TEXTS, titleOf } from "./words";

export function Thread({ talk }: { talk: TalkView | undefined }): JSX.Element {
  const [people, setPeople] = useState(false);
  useRead(talk);
  if (!talk) return <main class="thread none">{TEXTS.choose}</main>;
  return (
    <main class="thread" aria-label={`Conversation with ${titleOf(talk)}`}>
      <header>
        <button class="back" type="button" onClick={hide} aria-label="Back to the conversations">
          <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <path d="M15 5l-7 7 7 7" />
          </svg>
        </button>
        <button class="readers" type="button" onClick={() => setPeople(true)}>
          <strong>{titleOf(talk)}</strong>
          <span class="quiet">
            {cutOff(link.value, waiting.value) ||
              typingOf(talk) ||
              `${purposeOf(talk)} · ${talk.people.length} people can read`}
          </span>
          <Seal talk={talk} />
        </button>
      </header>
      {talk.blocked && (
        <p class="banner caution" role="alert">
          <span>{TEXTS.blocked}</span>
          <button class="plain" type="button" onClick={() => setPeople(true)}>
            Look
          </button>
        </p>
      )}
      <Messages talk={talk} />
      {talk.member ? <Composer talk={talk} /> : <p class="banner">{TEXTS.left}</p>}
      {people && <People talk={talk} close={() => setPeople(false)} />}
    </main>
  );
}

/** What keeps messages from leaving now; empty where nothing does. */
function cutOff(told: typeof link.value, kept: number): string {
  const words = { waiting: "Offline", stopped: "Stopped", sign_in_needed: "Signed out" } as Record<
    string,
    string
  >;
  const state = words[told.link];
  return state ? `${state}${kept ? ` · ${kept} waiting` : ""}` : "";
}

/** Whether everybody here was verified. */
function Seal({ talk }: { talk: TalkView }): JSX.Element | null {
  const known = othersOf(talk).filter((person) => person.devices);
  if (!known.length || !known.every((person) => person.verified)) return null;
  return <span class="seal">Verified</span>;
}

function typingOf(talk: TalkView): string {
  const who = othersOf(talk).filter((person) => typing.value.has(`${talk.id}/${person.account}`));
  return who.length ? `${who.map((person) => safeLine(person.alias)).join(", ")} is typing…` : "";
}

/** What is on a screen that somebody looks at was read. */
function useRead(talk: TalkView | undefined): void {
  const newest = entries.value.at(-1)?.place ?? 0;
  useEffect(() => {
    const read = () => {
      if (talk && document.visibilityState === "visible" && document.hasFocus()) void tell("read", talk.id);
    };
    read();
    addEventListener("focus", read);
    return () => removeEventListener("focus", read);
  }, [talk?.id, newest, talk?.unread]);
}
