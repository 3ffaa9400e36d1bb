// The one door to libsodium's standard build. `ready` comes before anything else of src/crypto.

import sodium from "libsodium-wrappers";

export { sodium };
export const ready: Promise<void> = sodium.ready;
