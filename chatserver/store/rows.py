"""What reads give back: one tuple a row. Boxes named `*_box` are encrypted columns or sealed messages."""

from typing import NamedTuple


class Account(NamedTuple):
    """A person as the store knows them; the boxes are encrypted columns."""

    id: bytes
    role: str
    name_box: bytes
    alias_box: bytes
    salt: bytes
    verifier: str
    created_at: int
    disabled_at: int | None


class Invitation(NamedTuple):
    """An invitation that may still be usable."""

    id: bytes
    role: str
    alias_box: bytes
    expires_at: int
    account: bytes | None


class Session(NamedTuple):
    """A session, with the role and state of its account."""

    id: bytes
    account: bytes
    role: str
    created_at: int
    active_at: int
    ends_at: int
    ended_at: int | None
    disabled_at: int | None


class Device(NamedTuple):
    """A device of an account."""

    id: bytes
    account: bytes
    device_pk: bytes
    name_box: bytes
    added_at: int
    removed_at: int | None


class Link(NamedTuple):
    """A device that asks to be linked; `list` once another device of the account signed the one that has it."""

    device: bytes
    device_pk: bytes
    name_box: bytes
    asked_at: int
    expires_at: int
    list: bytes | None


class SignedList(NamedTuple):
    """One version of an account's device list."""

    account: bytes
    version: int
    list_hash: bytes
    body: bytes


class Bundle(NamedTuple):
    """One key bundle of a device; `replaced_at` is the server's stamp."""

    device: bytes
    account: bytes
    key_no: int
    box_pk: bytes
    body: bytes
    created_at: int
    expires_at: int
    replaced_at: int | None


class Conversation(NamedTuple):
    """A conversation."""

    id: bytes
    purpose: str
    created_at: int


class Member(NamedTuple):
    """A present or former member, with role and state of the account."""

    conversation: bytes
    account: bytes
    role: str
    alias_box: bytes
    joined_at: int
    left_at: int | None
    disabled_at: int | None


class Accepted(NamedTuple):
    """A ledger row."""

    n: int
    c: bytes
    accepted_at: int
    held: int


class StoredBox(NamedTuple):
    """A row of a mailbox; `seq` orders it."""

    seq: int
    sender: bytes
    n: int
    scope: bytes
    c: bytes
    accepted_at: int
    kid: int
    t: bytes
    key_no: int
    box: bytes


class ExpiredBox(NamedTuple):
    """A box whose time is over."""

    device: bytes
    sender: bytes
    n: int
    account: bytes
    size: int


class FateRow(NamedTuple):
    """What became of send n for one person."""

    n: int
    account: bytes
    outcome: int


class Size(NamedTuple):
    """What waits in a mailbox."""

    boxes: int
    bytes: int


class Tenant(NamedTuple):
    """The organisation of this store, and its epoch (zero until a restore)."""

    id: bytes
    epoch: bytes


class FeedRow(NamedTuple):
    """An entry of the change feed."""

    number: int
    topic: int
    subject: bytes


class EntryRow(NamedTuple):
    """An entry of the audit log."""

    shard: bytes
    number: int
    entry: bytes
    leaf: bytes
