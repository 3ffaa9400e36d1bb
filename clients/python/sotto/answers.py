"""What the server is sent and answers over HTTP, as far as this client reads it. Unknown fields are let be.

Bytes travel as base64url without padding (RFC 4648 section 5); times are milliseconds since the epoch.
"""

import base64
import binascii
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr


class Raw(bytes):
    """Bytes inside JSON."""

    __slots__ = ()


class Question(msgspec.Struct, frozen=True):
    """What every request shares."""


class Answer(msgspec.Struct, frozen=True):
    """What every answer shares: its bytes are plain bytes once it is read, fit for any record or frame."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Raw):
                force_setattr(self, name, bytes(value))


class Refusal(Answer, frozen=True):
    """No, by a code of the catalogue."""

    code: str


class Server(Answer, frozen=True):
    """Who this is, what time it is, and the epoch that a hello must name."""

    tenant: Raw
    epoch: Raw
    server_time: int
    name: str = ""


class AskSalt(Question, frozen=True):
    """A sign-in name."""

    name: str


class GotSalt(Answer, frozen=True):
    """Its salt."""

    salt: Raw


class NewAccount(Question, frozen=True):
    """An invitation, and who comes."""

    code: str
    name: str
    salt: Raw
    proof: Raw


class Account(Answer, frozen=True):
    """What the invitation became."""

    account: Raw
    role: str
    alias: str


class NewSession(Question, frozen=True, omit_defaults=True):
    """A name and the proof of its password."""

    name: str
    proof: Raw
    place: Raw = Raw()


class Session(Answer, frozen=True):
    """A session. `place` makes the next sign-in from here a known one."""

    account: Raw
    role: str
    ends_at: int
    place: Raw
    token: Raw


class OwnDevice(Answer, frozen=True):
    """A device of one's own."""

    device: Raw


class Me(Answer, frozen=True):
    """One's own account."""

    account: Raw
    role: str
    name: str
    alias: str
    list_version: int
    devices: tuple[OwnDevice, ...]


class NewDevice(Question, frozen=True):
    """A device with the signed list that has it."""

    device_pk: Raw
    name: str
    list: Raw


class NewList(Question, frozen=True):
    """A signed list."""

    list: Raw


class NewBundle(Question, frozen=True):
    """A signed bundle."""

    bundle: Raw


class AskLink(Question, frozen=True):
    """A device's key, and how its person calls it."""

    device_pk: Raw
    name: str


class AskingDevice(Answer, frozen=True):
    """A device that asks to be linked. `list` is the answer, if there is one."""

    device: Raw
    device_pk: Raw
    name: str
    expires_at: int
    list: Raw | None = None


class AskingDevices(Answer, frozen=True):
    """All of them."""

    links: tuple[AskingDevice, ...]


class AskTicket(Question, frozen=True):
    """The device that will say hello."""

    device: Raw


class Ticket(Answer, frozen=True):
    """Good once."""

    ticket: Raw


class MemberInfo(Answer, frozen=True):
    """Who takes part, or once did."""

    account: Raw
    role: str
    alias: str
    left_at: int | None = None


class TalkInfo(Answer, frozen=True):
    """A conversation."""

    conversation: Raw
    purpose: str
    members: tuple[MemberInfo, ...]


class Talks(Answer, frozen=True):
    """All conversations of the account."""

    conversations: tuple[TalkInfo, ...]


class SignedList(Answer, frozen=True):
    """One version of an account's list."""

    account: Raw
    version: int
    list: Raw


class SignedLists(Answer, frozen=True):
    """Versions, oldest first."""

    lists: tuple[SignedList, ...]
    more: bool


class SignedBundle(Answer, frozen=True):
    """The newest mail key of a device."""

    device: Raw
    bundle: Raw


class Bundles(Answer, frozen=True):
    """What it takes to seal to a conversation."""

    lists: tuple[SignedList, ...]
    bundles: tuple[SignedBundle, ...]


def base64url(raw: bytes) -> str:
    """Bytes as text."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _encode(value: Any) -> Any:
    if isinstance(value, Raw):
        return base64url(value)
    raise NotImplementedError


def _decode(_kind: type, value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError
    try:
        return Raw(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, ValueError):
        raise ValueError from None


encoder: Final = msgspec.json.Encoder(enc_hook=_encode)


def decode(raw: bytes, kind: type[msgspec.Struct]) -> Any:
    """A body as its struct. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(raw, type=kind, dec_hook=_decode)
