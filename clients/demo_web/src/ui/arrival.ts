// How a tab begins: a demo person's link, the state that was open before a reload, or the first screen.

import type { FaultView } from "../worker/contract";
import { ask, entered, rememberedPerson, screen } from "./state";

/** A link `/#join=CODE&name=NAME&password=PASSWORD`. The fragment never reaches a server. */
interface Invitation {
  readonly code: string;
  readonly name: string;
  readonly password: string;
}

/** What the address holds, taken out of it and of the history at once. */
export function takeInvitation(): Invitation | undefined {
  const said = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname);
  const [code, name, password] = [said.get("join"), said.get("name"), said.get("password")];
  return code ? { code, name: name ?? "", password: password ?? "" } : undefined;
}

/** What the entry screen begins with. */
export interface Entry {
  readonly invitation: Invitation | undefined;
  readonly locked: boolean;
  readonly fault: unknown;
}

export async function arrive(): Promise<Entry> {
  const invitation = takeInvitation();
  if (!isSecureContext) return turnedAwayBy({ name: "insecure", code: "" });
  try {
    if (invitation?.name && invitation.password) {
      entered(await ask("follow", invitation.code, invitation.name, invitation.password));
      return { invitation: undefined, locked: false, fault: undefined };
    }
    const locked = !invitation && (await resumed());
    return { invitation, locked, fault: undefined };
  } catch (fault) {
    return turnedAwayBy(fault);
  }
}

function turnedAwayBy(fault: unknown): Entry {
  turnedAway(fault);
  return { invitation: undefined, locked: false, fault };
}

/** Where a fault on the way in leads. */
export function turnedAway(fault: unknown): void {
  screen.value = (fault as FaultView).name === "linking_needed" ? "linking" : "entry";
}

/** Opens what this tab had open; true where it is there and locked. */
async function resumed(): Promise<boolean> {
  const person = rememberedPerson();
  const begun = person ? await ask("begin", person) : undefined;
  if (begun?.at === "open") entered(begun.self);
  else screen.value = "entry";
  return begun?.at === "locked";
}
