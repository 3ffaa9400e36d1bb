// Who can read a conversation, and how to know that they are who they seem: safety numbers.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { MemberView, TalkView } from "../worker/contract";
import { safeLine } from "./safe_text";
import { ask } from "./state";
import { faultOf, LEGEND, othersOf } from "./words";

const GROUP = 5;

export function People({ talk, close }: { talk: TalkView; close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="people" ref={dialog} onClose={close} aria-labelledby="people-title">
      <header>
        <h2 id="people-title">Who can read this</h2>
        <button class="plain" type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <ul>
        {talk.people.map((person) => (
          <li key={person.account}>
            <Person person={person} />
          </li>
        ))}
      </ul>
      {talk.blocked && <Approve talk={talk} />}
      <details>
        <summary>What the words beside a message mean</summary>
        <dl>
          {LEGEND.map(([word, meaning]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </details>
    </dialog>
  );
}

function Person({ person }: { person: MemberView }): JSX.Element {
  const [number, setNumber] = useState("");
  const alias = safeLine(person.alias);
  const toggle = async () => setNumber(number ? "" : await ask("safety", person.account));
  return (
    <>
      <div class="person">
        <span class="face" aria-hidden="true">
          {alias.slice(0, 1)}
        </span>
        <span>
          <strong>{person.own ? `${alias} (you)` : alias}</strong>
          <span class="quiet">{[person.role, ...marksOf(person)].join(" · ")}</span>
        </span>
        {!person.own && person.devices > 0 && (
          <button
            class="plain"
            type="button"
            aria-expanded={Boolean(number)}
            aria-label={`Compare the safety number with ${alias}`}
            onClick={toggle}
          >
            Compare
          </button>
        )}
      </div>
      {number && <Compare person={person} number={number} />}
    </>
  );
}

function marksOf(person: MemberView): string[] {
  const devices = person.devices === 1 ? "1 device" : `${person.devices} devices`;
  if (person.own) return [devices];
  if (!person.devices) return ["not signed up yet"];
  const accepted = person.approved ? [] : ["not accepted by you"];
  return [devices, person.verified ? "verified" : "not verified", ...accepted];
}

function Compare({ person, number }: { person: MemberView; number: string }): JSX.Element {
  const [fault, setFault] = useState("");
  const groups = number.match(new RegExp(`.{${GROUP}}`, "g")) ?? [];
  const say = (holds: boolean) =>
    ask("verify", person.account, number, holds).catch((error: unknown) => setFault(faultOf(error)));
  return (
    <div class="compare">
      <p>
        Compare these digits with {safeLine(person.alias)} in person or by telephone. If both screens show the
        same, nobody stands between you.
      </p>
      <p class="digits">
        {groups.map((group, at) => (
          <span key={at}>{group}</span>
        ))}
      </p>
      <p class="fault" role="alert">
        {fault}
      </p>
      {person.verified ? (
        <button class="plain" type="button" onClick={() => say(false)}>
          Take the verification back
        </button>
      ) : (
        <button class="primary" type="button" onClick={() => say(true)}>
          They are the same
        </button>
      )}
    </div>
  );
}

/** The person accepts exactly those whom this dialog shows. */
function Approve({ talk }: { talk: TalkView }): JSX.Element {
  const unverified = othersOf(talk).filter((person) => person.mustVerify);
  if (unverified.length)
    return (
      <p class="banner caution">
        {unverified.map((person) => safeLine(person.alias)).join(", ")} was verified before and changed since.
        Compare the safety number first.
      </p>
    );
  return (
    <p class="banner caution">
      <span>Are these the people whom you want to read what you write?</span>
      <button class="primary" type="button" onClick={() => ask("approve", talk.id, talk.people)}>
        Yes, go on
      </button>
    </p>
  );
}
