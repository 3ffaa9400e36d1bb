// Which conversation is on the screen, with the browser's own "back" leading out of it. Nothing of it is in the address.

import { open } from "./state";

addEventListener(
  "popstate",
  ({ state }: PopStateEvent) => void open(typeof state?.talk === "string" ? state.talk : ""),
);

export function show(id: string): void {
  const within = typeof history.state?.talk === "string";
  if (within) history.replaceState({ talk: id }, "");
  else history.pushState({ talk: id }, "");
  void open(id);
}

/** Out of the conversation, as "back" does. */
export const hide = (): void => history.back();
