// A connection to the server, whatever carries it: hello, welcome, then frames both ways.
//
// Browsers hide pings from a page. So that silence is seen all the same, the fate of send 1 is asked after a while: a
// server that is there answers it, and no clock of a person counts it (PROTOCOL 9.1).

import { Fault } from "../client/errors";
import { CATALOGUE, type ClientFrame, HEARTBEAT_S, type Hello, type ServerFrame, type Welcome } from "./wire";

const WELCOME_TIMEOUT_MS = 10_000;
const SILENT_HEARTBEATS = 2.5;
const PROBE_AFTER_HEARTBEATS = 1.5;

/** Why a socket ended: a code of the catalogue, or empty for the network's own reasons. */
export interface Ending {
  readonly frame: "ending";
  readonly code: string;
}

export const ending = (code = ""): Ending => ({ frame: "ending", code });

/** Whether coming back as before would be wrong (PROTOCOL 11.3). */
export function stops(code: string): boolean {
  const closes = CATALOGUE[code]?.closes ?? 0;
  return closes >= 4400 && closes < 4500;
}

/** The code that a close code stands for. */
export const codeOfClose = (close: number): string =>
  Object.entries(CATALOGUE).find(([, entry]) => entry.closes === close)?.[0] ?? "";

/** What a transport gives to its user, and is given. */
export interface Wire {
  send(frame: ClientFrame): void;
  close(): void;
}

export interface Ears {
  frame(frame: ServerFrame): void;
  ended(code: string): void;
}

/** Opens a wire, or rejects with `Fault("unreachable")`. */
export type Dial = (ears: Ears) => Promise<Wire>;

/** Made by `Socket.dial`. Frames wait here until the frame loop takes them. */
export class Socket {
  readonly #wire: Wire;
  readonly #inbox: Inbox;
  #probe: ReturnType<typeof setTimeout> | undefined;
  #heartbeatMs = HEARTBEAT_S * 1000;

  private constructor(wire: Wire, inbox: Inbox) {
    this.#wire = wire;
    this.#inbox = inbox;
    inbox.heard = () => this.#listen();
  }

  static async dial(dial: Dial): Promise<Socket> {
    const inbox = new Inbox();
    return new Socket(await dial(inbox), inbox);
  }

  /** Say hello and hear the welcome. */
  async greet(hello: Hello): Promise<Welcome | Ending> {
    this.send(hello);
    const timer = setTimeout(() => this.close(), WELCOME_TIMEOUT_MS);
    const first = await this.#inbox.next();
    clearTimeout(timer);
    if (first.frame === "welcome") {
      this.#heartbeatMs = first.limits.heartbeatMs;
      this.#listen();
    } else if (first.frame !== "ending") throw new Fault("bad_answer");
    return first;
  }

  send(frame: ClientFrame): void {
    this.#wire.send(frame);
  }

  /** Everything that came since the last call, at least one; an ending is the last thing that comes. */
  batch(): Promise<(ServerFrame | Ending)[]> {
    return this.#inbox.batch();
  }

  /** End it from this side. */
  close(): void {
    clearTimeout(this.#probe);
    this.#wire.close();
    this.#inbox.ended("");
  }

  #listen(): void {
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => {
      this.send({ frame: "fates", ask: [1], settled: [] });
      const left = this.#heartbeatMs * (SILENT_HEARTBEATS - PROBE_AFTER_HEARTBEATS);
      this.#probe = setTimeout(() => this.close(), left);
    }, this.#heartbeatMs * PROBE_AFTER_HEARTBEATS);
  }
}

/** Frames on their way to the frame loop. The server's own windows bound it. */
class Inbox implements Ears {
  heard: () => void = () => undefined;
  #frames: (ServerFrame | Ending)[] = [];
  #told = "";
  #over = false;
  #wake: () => void = () => undefined;

  frame(frame: ServerFrame): void {
    if (this.#over) return;
    this.heard();
    if (frame.frame === "bye") this.#told = frame.code;
    else this.#put(frame);
  }

  /** The code that the server said goes before the one that its close code stands for. */
  ended(code: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#put(ending(this.#told || code));
  }

  async next(): Promise<ServerFrame | Ending> {
    await this.#some();
    const first = this.#frames.shift();
    return first ?? ending();
  }

  async batch(): Promise<(ServerFrame | Ending)[]> {
    await this.#some();
    const found = this.#frames;
    this.#frames = [];
    return found;
  }

  #put(frame: ServerFrame | Ending): void {
    this.#frames.push(frame);
    this.#wake();
  }

  async #some(): Promise<void> {
    while (this.#frames.length === 0)
      await new Promise<void>((done) => {
        this.#wake = done;
      });
  }
}
