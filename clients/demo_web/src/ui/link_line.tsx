// How it stands with the connection, in one quiet line; loud only where the person must do something.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Told } from "../worker/contract";
import { ask, link, waiting } from "./state";
import { faultOf, TEXTS } from "./words";

type LinkTold = Extract<Told, { told: "link" }>;

export function LinkLine(): JSX.Element {
  const told = link.value;
  const left = useCountdown(told);
  const kept = waiting.value ? ` · ${waiting.value} waiting` : "";
  return (
    <>
      <p class={`link ${told.link}`} role="status">
        <i aria-hidden="true" />
        {wordsOf(told, left)}
        {kept}
      </p>
      {told.link === "sign_in_needed" && <SignInAgain />}
    </>
  );
}

function wordsOf(told: LinkTold, leftS: number): string {
  switch (told.link) {
    case "current":
      return "Connected";
    case "connecting":
    case "offline":
      return "Connecting…";
    case "catching_up":
      return "Catching up…";
    case "waiting":
      if (!told.retryInMs) return "Offline";
      return leftS > 0 ? `Offline · again in ${leftS} s` : "Offline · trying again";
    case "sign_in_needed":
      return "Signed out";
    case "stopped":
      return told.code === "replaced"
        ? "Open elsewhere"
        : `Stopped: ${faultOf({ name: "refused", code: told.code })}`;
  }
}

/** Whole seconds until the next attempt. */
function useCountdown(told: LinkTold): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const until = performance.now() + told.retryInMs;
    const count = () => setLeft(Math.max(0, Math.ceil((until - performance.now()) / 1000)));
    count();
    if (told.link !== "waiting") return undefined;
    const timer = setInterval(count, 1000);
    return () => clearInterval(timer);
  }, [told]);
  return left;
}

function SignInAgain(): JSX.Element {
  const [fault, setFault] = useState("");
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget as HTMLFormElement).get("password") ?? "");
    try {
      await ask("signInAgain", password);
    } catch (error) {
      setFault(faultOf(error));
    }
  }
  return (
    <form class="again" onSubmit={submit}>
      <p>{TEXTS.signedOut}</p>
      <label class="field">
        <span>Password</span>
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <p class="fault" role="alert">
        {fault}
      </p>
      <button class="primary" type="submit">
        Go on
      </button>
    </form>
  );
}
