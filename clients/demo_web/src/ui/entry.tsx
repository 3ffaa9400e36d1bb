// The first screen: sign in, or accept an invitation.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SelfView } from "../worker/contract";
import { type Entry, turnedAway } from "./arrival";
import { ask, entered } from "./state";
import { faultOf, TEXTS } from "./words";

type Mode = "enter" | "join";

export function EntryScreen({ entry }: { entry: Entry }): JSX.Element {
  const [mode, setMode] = useState<Mode>(entry.invitation ? "join" : "enter");
  const [fault, setFault] = useState(entry.fault ? faultOf(entry.fault) : "");
  const [busy, setBusy] = useState(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string) => String(fields.get(name) ?? "");
    if (mode === "join" && field("password") !== field("again")) {
      setFault("The two passwords were not the same.");
      return;
    }
    setBusy(true);
    setFault("");
    try {
      entered(await lead(mode, field));
    } catch (error) {
      setFault(faultOf(error));
      turnedAway(error);
      setBusy(false);
    }
  }

  const joins = mode === "join";
  return (
    <main class="entry">
      <header>
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>Sotto</h1>
        <p>{TEXTS.entryLead}</p>
      </header>
      {/* An action is given up: the policy forbids that a form leads anywhere. */}
      <form onSubmit={submit} aria-busy={busy}>
        <h2>{joins ? "Accept your invitation" : entry.locked ? "Welcome back" : "Sign in"}</h2>
        {joins && (
          <Field
            label="Invitation code"
            name="code"
            value={entry.invitation?.code ?? ""}
            autocomplete="off"
          />
        )}
        <Field
          label={joins ? "Choose a sign-in name" : "Name"}
          name="name"
          value={entry.invitation?.name ?? ""}
          autocomplete="username"
        />
        <Field
          label={joins ? "Choose a password" : "Password"}
          name="password"
          type="password"
          autocomplete={joins ? "new-password" : "current-password"}
          hint={joins ? TEXTS.passwordHint : ""}
        />
        {joins && <Field label="The same again" name="again" type="password" autocomplete="new-password" />}
        <p class="fault" role="alert">
          {fault}
        </p>
        <button class="primary" type="submit" disabled={busy}>
          {busy ? "One moment…" : joins ? "Accept" : entry.locked ? "Unlock" : "Sign in"}
        </button>
        <button class="plain" type="button" onClick={() => setMode(joins ? "enter" : "join")}>
          {joins ? "I have an account" : "I have an invitation"}
        </button>
      </form>
    </main>
  );
}

const lead = (mode: Mode, field: (name: string) => string): Promise<SelfView> =>
  mode === "join"
    ? ask("join", field("code").trim(), field("name").trim(), field("password"))
    : ask("enter", field("name").trim(), field("password"));

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: "text" | "password";
  readonly value?: string;
  readonly autocomplete: "off" | "username" | "new-password" | "current-password";
  readonly hint?: string;
}

function Field({ label, name, type = "text", value = "", autocomplete, hint = "" }: FieldProps): JSX.Element {
  const described = hint ? `${name}-hint` : undefined;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        name={name}
        type={type as "text"}
        defaultValue={value}
        autocomplete={autocomplete}
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={described}
        required
      />
      {hint && <small id={described}>{hint}</small>}
    </label>
  );
}
