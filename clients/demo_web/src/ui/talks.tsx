// The conversations of this person, the newest first.

import type { JSX } from "preact";
import type { TalkView } from "../worker/contract";
import { LinkLine } from "./link_line";
import { safeLine } from "./safe_text";
import { show } from "./showing";
import { ask, forgotten, openId, self, talks } from "./state";
import { briefly } from "./times";
import { othersOf, purposeOf, TEXTS, titleOf } from "./words";

export function Talks(): JSX.Element {
  return (
    <nav class="talks" aria-label="Conversations">
      <header>
        <div>
          <h1>{safeLine(self.value?.alias ?? "")}</h1>
          <p class="quiet">{self.value?.role}</p>
        </div>
        <button class="plain" type="button" onClick={signOut}>
          Sign out
        </button>
      </header>
      <LinkLine />
      {talks.value.length ? (
        <ul>
          {talks.value.map((talk) => (
            <li key={talk.id}>
              <Row talk={talk} />
            </li>
          ))}
        </ul>
      ) : (
        <p class="hollow">{TEXTS.empty}</p>
      )}
      {self.value?.remembered && <p class="footnote">{TEXTS.remembered}</p>}
    </nav>
  );
}

function Row({ talk }: { talk: TalkView }): JSX.Element {
  const { last } = talk;
  const when = last?.type === "message" ? briefly(last.sentAt) : "";
  return (
    <button
      class="row"
      type="button"
      aria-current={talk.id === openId.value ? "true" : undefined}
      onClick={() => show(talk.id)}
    >
      <span class="face" aria-hidden="true">
        {titleOf(talk).slice(0, 1)}
      </span>
      <span class="who">{titleOf(talk)}</span>
      <time>{when}</time>
      <span class="what">
        {talk.blocked ? <em>See who can read</em> : last ? lineOf(talk) : rolesOf(talk)}
      </span>
      {talk.unread > 0 && (
        <span class="unread">
          {talk.unread}
          <span class="only-heard"> unread</span>
        </span>
      )}
    </button>
  );
}

const rolesOf = (talk: TalkView): string =>
  `${purposeOf(talk)} · ${othersOf(talk)
    .map((person) => person.role)
    .join(", ")}`;

function lineOf(talk: TalkView): string {
  const { last } = talk;
  if (last?.type !== "message") return "Messages are missing";
  return `${last.outgoing ? "You: " : ""}${safeLine(last.text).slice(0, 120)}`;
}

async function signOut(): Promise<void> {
  await ask("signOut").catch(() => undefined); // without a network the session ends by its own clocks
  forgotten();
}
