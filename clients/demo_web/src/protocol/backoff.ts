// Milliseconds between attempts: 0 to 1 s first, then 1, 2, 4... up to 30 s, each +-50 % (PROTOCOL 11.3).

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export class Backoff {
  readonly #uniform: (low: number, high: number) => number;
  #attempt = 0;

  constructor(uniform = (low: number, high: number) => low + Math.random() * (high - low)) {
    this.#uniform = uniform;
  }

  /** How long to wait before the next attempt. */
  nextMs(): number {
    this.#attempt += 1;
    if (this.#attempt === 1) return this.#uniform(0, FIRST_MS);
    const base = Math.min(FIRST_MS * 2 ** Math.min(this.#attempt - 2, 16), LONGEST_MS);
    return base * this.#uniform(0.5, 1.5);
  }

  /** It went well. */
  reset(): void {
    this.#attempt = 0;
  }
}
