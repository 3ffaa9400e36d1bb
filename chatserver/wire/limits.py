"""Every limit of the wire, in one place. docs/PROTOCOL.md quotes this table by name and a test compares the two."""

from typing import Final

KIB: Final = 1024

HELLO_TIMEOUT_S: Final = 5.0
HEARTBEAT_S: Final = 20.0
"""The server pings a socket that was silent this long; a second silence of the same length ends it."""

MAX_FRAME_BYTES_BEFORE_WELCOME: Final = 4 * KIB
MAX_FRAME_BYTES: Final = 160 * KIB

BUCKET_BYTES: Final = (256, 1_024, 4_096, 8_192, 16_384, 49_152)
BOX_OVERHEAD_BYTES: Final = 288
BOX_BYTES: Final = frozenset(bucket + BOX_OVERHEAD_BYTES for bucket in BUCKET_BYTES)
MAX_BOX_BYTES: Final = max(BOX_BYTES)
MAX_BOXES_PER_SEND: Final = 32
MAX_DEVICES_PER_CONVERSATION: Final = MAX_BOXES_PER_SEND + 1
MAX_DEVICES_PER_ACCOUNT: Final = 6

SEND_WINDOW: Final = 256
"""A client never sends n while n - 256 has no final answer, so the ledger keeps no more than these numbers."""
FATES_PAGE: Final = 256

DELIVERY_WINDOW_BOXES: Final = 256
DELIVERY_WINDOW_BYTES: Final = 256 * KIB
OUTBOX_BYTES: Final = 1_024 * KIB
DELIVERY_GRACE_S: Final = 10.0
DELIVERY_S_PER_4_KIB: Final = 1.0
"""A delivery may stay unacknowledged for the grace plus this for each 4 KiB in flight up to its end."""

HOLD_S: Final = 0.250
"""How long an accepted box may wait in memory for its acknowledgement before it is written."""

MAILBOX_BOXES: Final = 10_000
MAILBOX_BYTES: Final = 64 * KIB * KIB
BOX_TTL_S: Final = 30 * 86_400
FATE_TTL_S: Final = 61 * 86_400
FLEETING_TTL_S: Final = 10.0

KEY_GRACE_S: Final = 600
"""A replaced box key is still accepted this long after `replaced_at` (CRYPTO section 2)."""
KEY_TTL_S: Final = 30 * 86_400
CURRENT_AFTER_CHANGE_S: Final = 900
CLOCK_TOLERANCE_S: Final = 300
TICKET_TTL_S: Final = 30
LINK_TTL_S: Final = 600
"""How long a device may ask to be linked before it asks again."""
ACTIVE_EVERY_S: Final = 20
"""How often, at most, the activity of a session is written to the store."""

SENDS_PER_S: Final = 50.0
SEND_BURST: Final = 300.0
FLEETING_PER_S: Final = 5.0
FLEETING_BURST: Final = 20.0
ACTIVE_PER_S: Final = 1 / 15
ACTIVE_BURST: Final = 4.0

CONNECTIONS_PER_ADDRESS: Final = 512
CONNECTIONS: Final = 50_000

MAX_INTEGER: Final = 2**53 - 1
