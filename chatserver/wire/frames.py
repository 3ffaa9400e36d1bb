"""The frames, as msgspec structs: array-like, tagged by name, unknown tags and extra fields refused (PROTOCOL 3).

A frame's name is its class: `send` carries class 1 messages, `fleeting` class 2, `signal` class 3 (CRYPTO section 3).
Ids are 16 bytes, hashes and commitments 32, times milliseconds since the epoch, numbers at most 2^53 - 1.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chatserver.wire import limits

Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Number = Annotated[int, Meta(ge=1, le=limits.MAX_INTEGER)]
Millis = Annotated[int, Meta(ge=0, le=limits.MAX_INTEGER)]
U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Box = Annotated[bytes, Meta(min_length=min(limits.BOX_BYTES), max_length=limits.MAX_BOX_BYTES)]
Numbers = Annotated[tuple[Number, ...], Meta(max_length=limits.DELIVERY_WINDOW_BOXES)]

NO_EPOCH: Final = bytes(16)
"""The epoch of a store that was never restored."""

Mark = Literal["safe", "delivered", "unreadable", "expired", "withheld", "device_removed"]
Fate = Literal["pending", "opened", "unreadable", "expired", "withheld", "device_removed", "unreachable"]
Change = Literal["list", "keys", "members", "links"]


class Frame(
    msgspec.Struct,
    array_like=True,
    frozen=True,
    forbid_unknown_fields=True,
    gc=False,
    tag=str.lower,
):
    """What every frame shares."""


class Part(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """A struct inside a frame: no tag of its own."""


class Sealed(Part, frozen=True):
    """One box for one device, under the numbered key of that device."""

    device: Id
    key_no: U32
    box: Box


Boxes = Annotated[tuple[Sealed, ...], Meta(max_length=limits.MAX_BOXES_PER_SEND)]


class Hello(Frame, frozen=True):
    """Who is there: a burnt ticket, and the device's signature over all of this (CRYPTO section 4)."""

    ticket: Hash
    account: Id
    device: Id
    origin: Annotated[str, Meta(max_length=255)]
    transport: Annotated[int, Meta(ge=0, le=255)]
    list_version: U32
    list_hash: Hash
    key_no: U32
    epoch: Id
    signature: Signature


class Send(Frame, frozen=True):
    """A class 1 message: n numbers the sends of this device, c commits to the content."""

    scope: Id
    n: Number
    c: Hash
    boxes: Boxes


class Ack(Frame, frozen=True):
    """Delivery numbers of this connection: opened and committed, or kept as ciphertext because it would not open."""

    opened: Numbers
    unreadable: Numbers = ()


class Fleeting(Frame, frozen=True):
    """A class 2 message: typing, read marks, presence. Never stored; n is a growing time in milliseconds."""

    scope: Id
    n: Number
    c: Hash
    boxes: Boxes


class Active(Frame, frozen=True):
    """A person did something: the only frame besides `send` that the idle clock counts."""


class Fates(Frame, frozen=True):
    """What became of these sends, and: the fates of those are known here and may be forgotten."""

    ask: Annotated[tuple[Number, ...], Meta(max_length=limits.FATES_PAGE)]
    settled: Annotated[tuple[Number, ...], Meta(max_length=limits.FATES_PAGE)] = ()


class Bye(Frame, frozen=True):
    """The client leaves."""


ClientFrame = Hello | Send | Ack | Fleeting | Active | Fates | Bye


class Clocks(Part, frozen=True):
    """Limits of this session: idle time, and when it ends whatever happens."""

    idle_ms: Millis
    ends_at: Millis


class Limits(Part, frozen=True):
    """What the client must keep to; see wire/limits.py."""

    max_frame_bytes: Number
    max_boxes: Number
    send_window: Number
    heartbeat_ms: Number


class Welcome(Frame, frozen=True, tag="welcome"):
    """The hello was accepted. Older list or key numbers than the client's own tell of a restored store."""

    server_time: Millis
    epoch: Id
    highest_n: Millis
    list_version: U32
    key_no: U32
    clocks: Clocks
    limits: Limits


class Receipt(Frame, frozen=True, tag="receipt"):
    """How it stands with send n. `delivered` implies `safe`.

    safe: persons are unreachable, devices were skipped because full. unreadable, device_removed: devices concerned.
    expired, withheld: persons concerned.
    """

    n: Number
    mark: Mark
    at: Millis
    persons: tuple[Id, ...] = ()
    devices: tuple[Id, ...] = ()


class Refused(Frame, frozen=True, tag="refused"):
    """Frame n was refused. `known` says whether n is in the ledger: only if not may its content take a new number.

    `lists` and `bundles` are the signed statements that mend a wrong set or a stale key.
    """

    n: Millis
    code: str
    reason: str
    retry: bool
    known: bool = False
    lists: tuple[tuple[Id, bytes], ...] = ()
    bundles: tuple[tuple[Id, bytes], ...] = ()


class Deliver(Frame, frozen=True, tag="deliver"):
    """One class 1 box. `number` counts the deliveries of this connection; t is the franking stamp under key kid."""

    number: Number
    scope: Id
    sender: Id
    n: Number
    c: Hash
    accepted_at: Millis
    kid: U32
    t: Hash
    key_no: U32
    box: Box


class Whisper(Frame, frozen=True, tag="fleeting"):
    """A fleeting box, handed over once or not at all."""

    scope: Id
    sender: Id
    n: Number
    c: Hash
    accepted_at: Millis
    key_no: U32
    box: Box


class Current(Frame, frozen=True, tag="current"):
    """Everything receipted before `at` has been handed over and acknowledged, withheld boxes excepted."""

    at: Millis


class Notice(Frame, frozen=True, tag="notice"):
    """Something that the client may want to read again: an account's list or keys, or a conversation."""

    change: Change
    subject: Id


class Told(Part, frozen=True):
    """The fate of one send: `unknown` means repeat it, `open` that persons are pending, `settled` that all is said."""

    n: Number
    state: Literal["unknown", "open", "settled"]
    persons: tuple[tuple[Id, Fate], ...] = ()


class FatesTold(Frame, frozen=True, tag="fates"):
    """The answer to `fates`. A settled send without persons was delivered."""

    fates: tuple[Told, ...]


class Ended(Frame, frozen=True, tag="bye"):
    """Why the socket ends, just before it does."""

    code: str
    reason: str
    retry: bool


ServerFrame = Welcome | Receipt | Refused | Deliver | Whisper | Current | Notice | FatesTold | Ended


class Malformed(Exception):
    """The bytes are not a frame. Carries nothing of them."""


_client: msgspec.msgpack.Decoder[ClientFrame] = msgspec.msgpack.Decoder(ClientFrame)
_server: msgspec.msgpack.Decoder[ServerFrame] = msgspec.msgpack.Decoder(ServerFrame)
_encoder = msgspec.msgpack.Encoder()

encode = _encoder.encode
"""Any frame to its bytes."""
encode_server = encode
decode_client_unguarded = _client.decode
"""The client's frame in a payload, on the path of every message; raises one of `NOT_A_FRAME`."""
NOT_A_FRAME: Final = (msgspec.MsgspecError, RecursionError, ValueError)
"""What the decoder raises. Their texts may speak of the input: catch them, and let go of them."""


def decode_client(payload: bytes | bytearray | memoryview) -> ClientFrame:
    """The client's frame in `payload`, or `Malformed`."""
    try:
        return _client.decode(payload)
    except NOT_A_FRAME:
        malformed = Malformed()
    raise malformed  # out here, so that it does not carry the decoder's words about the input as its context


def decode_server(payload: bytes | bytearray | memoryview) -> ServerFrame:
    """The server's frame in `payload`, or `Malformed`."""
    try:
        return _server.decode(payload)
    except NOT_A_FRAME:
        malformed = Malformed()
    raise malformed
