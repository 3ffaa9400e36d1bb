// Where a message is written. Enter sends where there is a keyboard; what was not sent is kept, encrypted.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { TalkView } from "../worker/contract";
import { ask, tell } from "./state";
import { faultOf, titleOf } from "./words";

const KEEP_EVERY_MS = 500;
const HAS_KEYBOARD = "(hover: hover) and (pointer: fine)";

export function Composer({ talk }: { talk: TalkView }): JSX.Element {
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useDraft(talk.id, text, setText);
  useEffect(() => {
    if (matchMedia(HAS_KEYBOARD).matches) field.current?.focus();
  }, []);

  async function send(event?: Event): Promise<void> {
    event?.preventDefault();
    const said = text.trim();
    if (!said) return;
    setText("");
    setFault("");
    void tell("typing", talk.id, false);
    field.current?.focus();
    try {
      await ask("send", talk.id, said);
    } catch (error) {
      setText(said);
      setFault(faultOf(error));
    }
  }

  const typed = (event: KeyboardEvent) => {
    const plain = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (plain && matchMedia(HAS_KEYBOARD).matches) void send(event);
  };

  return (
    <form class="composer" onSubmit={send}>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="grow" data-text={text}>
        <textarea
          ref={field}
          rows={1}
          // Browsers write what stands in a field to their session files, in clear, unless it is off.
          autocomplete="off"
          value={text}
          aria-label={`Message to ${titleOf(talk)}`}
          placeholder="Write a message"
          enterkeyhint="enter"
          onKeyDown={typed}
          onInput={(event) => {
            setText(event.currentTarget.value);
            void tell("typing", talk.id, event.currentTarget.value !== "");
          }}
        />
      </div>
      <button class="send" type="submit" disabled={!text.trim()} aria-label="Send">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path d="M4 12l16-7-5 16-3.5-6.5z" />
        </svg>
      </button>
    </form>
  );
}

/** The draft of a conversation: read when it is opened; kept a moment after the last key, and when it is left. */
function useDraft(conversation: string, text: string, setText: (text: string) => void): void {
  const kept = useRef<string | undefined>(undefined);
  const written = useRef(text);
  written.current = text;
  useEffect(() => {
    const keep = () => {
      if (kept.current === undefined || kept.current === written.current) return;
      kept.current = written.current;
      void tell("keepDraft", conversation, written.current);
    };
    void ask("draft", conversation).then((draft) => {
      kept.current = draft;
      if (draft && !written.current) setText(draft);
    });
    const timer = setInterval(keep, KEEP_EVERY_MS);
    document.addEventListener("visibilitychange", keep);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", keep);
      keep();
    };
  }, [conversation]);
}
