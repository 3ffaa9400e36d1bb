// A browser that is new for its account: said plainly. Linking itself begins on this screen.

import type { JSX } from "preact";
import { forgotten } from "./state";

export function Linking(): JSX.Element {
  return (
    <main class="entry">
      <header>
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>This browser is new</h1>
      </header>
      <section class="card">
        <p>
          Your account is in use on another device. Your messages are sealed to that device, so this browser
          cannot read them by itself.
        </p>
        <p>
          It must be <strong>linked</strong> from the device that you use now. Until then, please go on there.
        </p>
        <button class="primary" type="button" onClick={forgotten}>
          Back
        </button>
      </section>
    </main>
  );
}
