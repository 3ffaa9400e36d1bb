// Time as an input: the device's clock, corrected with the server's by whoever uses it (CRYPTO section 1).

export interface Clock {
  /** Milliseconds since the epoch by the device. */
  wallMs(): number;
  /** Milliseconds that never go back. */
  monoMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
};
