// Which way to the server: the native path first; where HTTP is answered and the WebSocket is not, Socket.IO.

import { TRANSPORT, type Transport } from "../crypto/statements";
import type { Dial } from "./socket";

/** After so many failures of the native path in a row, with HTTP answered in between, the other one is tried. */
const FAILURES_BEFORE_FALLBACK = 2;

export interface Ways {
  readonly native: Dial;
  readonly fallback: Dial;
}

/** Remembers what worked. The caller has just been answered over HTTP when it asks. */
export class Route {
  readonly #ways: Ways;
  #failures = 0;
  #blocked = false;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  get transport(): Transport {
    return this.#blocked ? TRANSPORT.SOCKETIO : TRANSPORT.WEBSOCKET;
  }

  get dial(): Dial {
    return this.#blocked ? this.#ways.fallback : this.#ways.native;
  }

  /** The way that was asked for last led in, or not. A fall-back that fails gives the native path its turn. */
  led(there: boolean): void {
    if (there) this.#failures = 0;
    else if (this.#blocked) this.#blocked = false;
    else this.#blocked = ++this.#failures >= FAILURES_BEFORE_FALLBACK;
  }
}
