"""Changes of devices, their lists, keys and links."""

from typing import NamedTuple


class AddDevice(NamedTuple):
    """A device of an account. Its id is the hash of its public key."""

    id: bytes
    account: bytes
    device_pk: bytes
    name_box: bytes
    added_at: int


class RemoveDevice(NamedTuple):
    """The device is off its account's list; its boxes go by `DropDeviceBoxes`. Guarded."""

    id: bytes
    now: int


class DropDeviceBoxes(NamedTuple):
    """Delete the mailbox of a removed device. Returns (sender, n, account) of each box."""

    device: bytes


class RequireMailbox(NamedTuple):
    """Exactly `boxes` boxes wait for the device, so that an event may count them. Guarded; changes nothing."""

    device: bytes
    boxes: int


class SettleMailbox(NamedTuple):
    """`SettleFate` for every box that waits for the device; stands before `DropDeviceBoxes`, which deletes them."""

    device: bytes
    outcome: int
    at: int


class RequireRoom(NamedTuple):
    """No conversation of the account has over `most` devices of present members. Guarded; changes nothing."""

    account: bytes
    most: int


class AddList(NamedTuple):
    """Version `version` of an account's device list. The primary key refuses a second one of the same version."""

    account: bytes
    version: int
    list_hash: bytes
    body: bytes
    published_at: int


class ReplaceBundles(NamedTuple):
    """Stamp the newest mail bundle of the device as replaced at `now`."""

    device: bytes
    now: int


class AddBundle(NamedTuple):
    """A key bundle. One box key in two devices is refused by a unique index."""

    device: bytes
    key_no: int
    use: int
    scope: bytes
    box_pk: bytes
    body: bytes
    created_at: int
    expires_at: int


class ClaimDevice(NamedTuple):
    """This node owns the device's socket from now on. Guarded; returns (generation,)."""

    id: bytes
    node: bytes
    now: int


class AskLink(NamedTuple):
    """A device that is on no list asks to be linked to the account. Guarded: at most three of an account wait."""

    device: bytes
    account: bytes
    device_pk: bytes
    name_box: bytes
    now: int
    expires_at: int


class AnswerLink(NamedTuple):
    """A device of the account signed the list that has the asking one. Guarded."""

    device: bytes
    account: bytes
    list: bytes


class DropLink(NamedTuple):
    """The link was made, or is not wanted."""

    device: bytes
    account: bytes


class DropOldLinks(NamedTuple):
    """Forget links that expired before `now`."""

    now: int
