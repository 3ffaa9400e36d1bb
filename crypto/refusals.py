"""Why something sealed or signed was not accepted: one exception, one closed list of reasons.

The names are stable: the vectors quote them, and another implementation refuses by the same names.
"""

from enum import StrEnum, unique


@unique
class Reason(StrEnum):
    """A stable name for each check. The order follows CRYPTO sections 1-4, 8 and then 3 "Opening"."""

    # Shape of any value
    BAD_WIDTH = "bad_width"  # a field of fixed length has another length
    NUMBER_RANGE = "number_range"  # below zero, above its width, or above 2^53 - 1
    BAD_LENGTH = "bad_length"  # a whole statement, bundle or box has an impossible length
    BAD_VERSION = "bad_version"  # the leading version byte is not 1
    BAD_FLAGS = "bad_flags"  # a flag bit without meaning is set
    BAD_TEXT = "bad_text"  # text that has no UTF-8 form

    # Keys and signatures
    WEAK_KEY = "weak_key"  # all-zero, low-order or not in its one canonical form
    WRONG_SIGNER = "wrong_signer"  # this kind of key does not sign under this label
    BAD_SIGNATURE = "bad_signature"
    DATED_OFF = "dated_off"  # made more than five minutes away from the server's clock

    # Device lists
    DEVICE_COUNT = "device_count"  # not 1..6 devices
    UNSORTED = "unsorted"  # devices are not strictly ascending by key
    WRONG_ACCOUNT = "wrong_account"  # signed for another tenant or account
    BROKEN_CHAIN = "broken_chain"  # version or prev_hash does not continue the list before it
    IDENTITY_CHANGED = "identity_changed"  # no reset, and the old identity did not sign
    EMPTY_RESET = "empty_reset"  # reset of nothing: version 1, or the identity stayed the same
    EXTRA_SIGNATURE = "extra_signature"  # an old identity's signature where none belongs
    ROLLBACK = "rollback"  # a lower version than the pinned one
    LIST_FORK = "list_fork"  # the pinned version with another hash

    # Bundles
    BAD_SUITE = "bad_suite"
    BAD_USE = "bad_use"  # unknown use, or a scope that does not fit it
    BAD_LIFETIME = "bad_lifetime"  # expires before it is made, or later than its use permits
    WRONG_DEVICE = "wrong_device"  # the device id is not that of the key that must sign
    WRONG_LIST = "wrong_list"  # list_version is not that of the list it was checked with
    KEY_EXPIRED = "key_expired"
    KEY_FELL = "key_fell"  # a lower key_no than the pinned one
    KEY_FORK = "key_fork"  # the pinned key_no with another box key
    SHARED_BOX_KEY = "shared_box_key"  # the same box key in two devices

    # Opening, in the order of its steps
    ALREADY_OPENED = "already_opened"  # (0) the same send again: ack `opened`, show nothing
    SEND_FORK = "send_fork"  # (0) the same send number with another commitment
    KEY_NOT_HELD = "key_not_held"  # (1)
    SEAL_BROKEN = "seal_broken"  # (2)
    OUTER_LAYER = "outer_layer"  # (2) the layer byte is not 0x01
    UNKNOWN_SENDER = "unknown_sender"  # (3) in no pinned list, or removed for good
    LIST_UNKNOWN = "list_unknown"  # (3) the sender's list of that version is not pinned: fetch it
    KEY_TOO_OLD = "key_too_old"  # (3) accepted 48 h or more after the sender's key was made
    OWN_LIST_UNKNOWN = "own_list_unknown"  # (4)
    INNER_BROKEN = "inner_broken"  # (5)
    BAD_PADDING = "bad_padding"  # (5)
    INNER_LAYER = "inner_layer"  # (5) the layer byte is not 0x02
    SHORT_CONTENT = "short_content"  # (5) no room for the fixed fields
    WRONG_CONTEXT = "wrong_context"  # (6)
    WRONG_COMMITMENT = "wrong_commitment"  # (7)
    BAD_SEQ = "bad_seq"  # (8) zero, or not n in classes 2 and 3
    BAD_PREV = "bad_prev"  # (8) does not name the message before it
    SEQ_FORK = "seq_fork"  # (8) a number that was accepted already, with another commitment
    SEQ_TOO_OLD = "seq_too_old"  # (8) from before this device began, or given up as missing
    NOT_GROWING = "not_growing"  # (8) classes 2 and 3
    STALE = "stale"  # (8) classes 2 and 3: sent over 120 s from when the server took it

    # Sealing
    TOO_LONG = "too_long"  # does not fit the largest bucket

    # Vault
    VAULT_LOCKED = "vault_locked"  # wrong password, or a wrapped key that was changed
    RECORD_BROKEN = "record_broken"


class Refused(Exception):
    """A check failed. `reason` says which; the text never holds a value that came from a peer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def require(holds: bool, reason: Reason) -> None:
    """Raise `Refused(reason)` unless the check holds."""
    if not holds:
        raise Refused(reason)
