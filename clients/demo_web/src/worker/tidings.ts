// What the page is told of what happens in a client.

import { type Bytes, hex } from "../bytes";
import type { Client } from "../client/client";
import type { Event } from "../client/values";
import type { Remark, Told } from "./contract";
import { aliasOf, entryView } from "./views";

/** The tidings of one event; the list of conversations is told by its owner. */
export function tidings(client: Client, event: Event): Told[] {
  const { core } = client;
  switch (event.event) {
    case "link":
      return [{ told: "link", link: event.link, code: event.code, retryInMs: event.retryInMs }];
    case "entry":
      return [{ told: "entry", entry: entryView(core, event.entry) }];
    case "gone":
      return [{ told: "gone", conversation: hex(event.conversation), place: event.place }];
    case "typing": {
      const [conversation, account] = [hex(event.conversation), hex(event.account)];
      return [{ told: "typing", conversation, account, on: event.on }];
    }
    case "contact":
      return [remark(event.alarm, aliasOf(core, event.account), event.conversation)];
    case "fork":
      return [remark("said_twice", speaker(client, event.conversation, event.device), event.conversation)];
    case "unopened":
      return [remark("unopened", speaker(client, event.conversation, event.device), event.conversation)];
    case "unreachable":
      return event.persons.map((one) => remark("unreachable", aliasOf(core, one), event.conversation));
    case "talks":
      return [];
  }
}

const remark = (kind: Remark["kind"], who: string, conversation: Bytes): Told => ({
  told: "remark",
  remark: { kind, who, conversation: hex(conversation) },
});

function speaker(client: Client, conversation: Bytes, device: Bytes): string {
  const account = client.core.pins.sender(device, client.directory.ever(conversation));
  return account ? aliasOf(client.core, account) : "";
}
