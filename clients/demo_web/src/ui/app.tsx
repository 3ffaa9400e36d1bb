// Which screen is shown.

import type { JSX } from "preact";
import type { Entry } from "./arrival";
import { EntryScreen } from "./entry";
import { Linking } from "./linking";
import { Remarks } from "./remarks";
import { openTalk, screen } from "./state";
import { Talks } from "./talks";
import { Thread } from "./thread";

export function App({ entry }: { entry: Entry }): JSX.Element {
  if (screen.value === "linking") return <Linking />;
  if (screen.value !== "chat") return <EntryScreen entry={entry} />;
  const talk = openTalk.value;
  return (
    <div class={talk ? "chat has-thread" : "chat"}>
      <Talks />
      <Thread key={talk?.id ?? ""} talk={talk} />
      <Remarks />
    </div>
  );
}
