import { render } from "preact";
import "./ui/tokens.css";
import "./ui/app.css";
import { App } from "./ui/app";
import { arrive } from "./ui/arrival";
import { tell } from "./ui/state";

const ACTIVE_EVERY_MS = 30_000;

/** What a person does winds the idle clock; what the page does by itself never does (PROTOCOL 9.1). */
function watchActivity(): void {
  let last = Number.NEGATIVE_INFINITY;
  const acted = () => {
    if (performance.now() - last < ACTIVE_EVERY_MS) return;
    last = performance.now();
    void tell("active");
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, acted, { passive: true });
}

addEventListener("online", () => void tell("network", true));
addEventListener("offline", () => void tell("network", false));
watchActivity();
const entry = await arrive();
const root = document.querySelector("#app");
if (root) render(<App entry={entry} />, root);
