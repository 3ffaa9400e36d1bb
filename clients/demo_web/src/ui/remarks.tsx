// What must be said beside the messages: people and keys that changed, and what was refused.

import type { JSX } from "preact";
import { dismiss, remarks } from "./state";
import { isCalm, wordsOf } from "./words";

export function Remarks(): JSX.Element {
  return (
    <div class="remarks" role="status">
      {remarks.value.map((remark) => (
        <p class={isCalm(remark) ? "remark" : "remark caution"} key={remark}>
          <span>{wordsOf(remark)}</span>
          <button class="plain" type="button" onClick={() => dismiss(remark)}>
            OK
          </button>
        </p>
      ))}
    </div>
  );
}
