"""CLIENTS ONLY: the one door to sealing and opening (CRYPTO section 3). The server must never reach it."""

from crypto.layers import MAX_BODY_BYTES, Content, associated, commitment
from crypto.opening import Delivery, HeldKey, Lists, Note, Opened, View, open_box
from crypto.pins import KeyPin, ListPin, require_no_rollback, require_sole_owner
from crypto.receiving import MAX_MISSING, Arrival, Missing, Received, Step
from crypto.sealing import Committed, Recipient, SealedBox, Sender, commit, seal

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_MISSING",
    "Arrival",
    "Committed",
    "Content",
    "Delivery",
    "HeldKey",
    "KeyPin",
    "ListPin",
    "Lists",
    "Missing",
    "Note",
    "Opened",
    "Received",
    "Recipient",
    "SealedBox",
    "Sender",
    "Step",
    "View",
    "associated",
    "commit",
    "commitment",
    "open_box",
    "require_no_rollback",
    "require_sole_owner",
    "seal",
]
