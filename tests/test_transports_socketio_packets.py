"""The codec of Socket.IO: the library's own packets and ours say the same, and nothing else comes in."""

import json
from typing import Any

import engineio.packet  # type: ignore[import-untyped]  # as shipped
import msgspec
import pytest
import socketio.packet  # type: ignore[import-untyped]  # as shipped
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import Packet

from chatserver.transports.socketio_packets import MAX_ATTACHMENTS, NOT_AN_EVENT, TEXT, Assembly, Event
from chatserver.wire import limits
from chatserver.wire.frames import Ack, Active, ClientFrame, Deliver, Sealed, Send, ServerFrame
from tests.test_wire_frames import CLIENT, HELLO, SEND, SERVER

pytestmark = pytest.mark.pure

BYTES = (bytes,)


def listed(value: Any) -> Any:
    return [listed(part) for part in value] if isinstance(value, list | tuple) else value


def parts_of(data: object) -> list[str | bytes]:
    """An event as the library's own packets say it."""
    encoded = Packet(data=listed(data)).encode()
    return encoded if isinstance(encoded, list) else [encoded]


def said(frame: ClientFrame) -> list[str | bytes]:
    return parts_of(msgspec.to_builtins(frame, builtin_types=BYTES))


def read(parts: list[str | bytes]) -> ClientFrame | None:
    assembly, found = Assembly(), None
    for part in parts:
        assert found is None, "it was whole before"
        found = assembly.add(part)
    return found


@given(st.one_of(*CLIENT.values()))
def test_what_a_client_says_arrives_as_it_was_said(frame: ClientFrame) -> None:
    assert read(said(frame)) == frame


@given(st.one_of(*SERVER.values()))
def test_what_a_server_says_is_read_by_the_library_as_it_was_said(frame: ServerFrame) -> None:
    event = Event(frame)
    (opcode, head), *attachments = event.items
    packet = Packet(encoded_packet=head.decode().removeprefix("4"))  # a message of Engine.IO
    for _, attachment in attachments:
        packet.add_attachment(attachment)
    assert opcode == TEXT
    assert packet.attachment_count == len(attachments)
    assert msgspec.convert(packet.data, ServerFrame, builtin_types=BYTES) == frame
    assert len(event) == len(head) + sum(len(attachment) for _, attachment in attachments)


def test_the_largest_sends_are_whole_within_a_frame() -> None:
    for size, count in ((49_440, 3), (16_672, 9), (8_480, 19), (4_384, 32)):
        frame = Send(bytes(16), 9, bytes(32), (Sealed(bytes(16), 2**32 - 1, bytes(size)),) * count)
        parts = said(frame)
        assert read(parts) == frame
        assert sum(map(len, parts)) <= limits.MAX_FRAME_BYTES
        assert len(parts) - 1 <= MAX_ATTACHMENTS


def test_one_assembly_reads_many_events() -> None:
    assembly = Assembly()
    for frame in (SEND, HELLO, Active(), SEND, Ack((1,))):
        *before, last = said(frame)
        assert [assembly.add(part) for part in before] == [None] * len(before)
        assert assembly.add(last) == frame
        assert assembly.size_bytes == 0


PLACE = {"_placeholder": True, "num": 0}


def event(*data: object, count: int = 0, head: str = "") -> str:
    kind = f"5{count}-" if count else "2"
    return kind + head + json.dumps(data)


BAD: dict[str, list[str | bytes]] = {
    "an unknown event": [event("nope")],
    "an event of the server's": [event("bye", "a", "b", True)],
    "a reserved event": [event("connect", {})],
    "no event": ["2"],
    "an empty event": ["2[]"],
    "an object": ['2{"bye":1}'],
    "a field too many": [event("active", 1)],
    "a field too few": [event("ack")],
    "a float for a number": [event("ack", [1.0])],
    "a boolean for a number": [event("ack", [True])],
    "a text for a number": [event("ack", ["1"])],
    "no number": ["2" + '["ack",[NaN]]'],
    "a huge number": ["2" + '["ack",[' + "9" * 400 + "]]"],
    "an endless nest": ["2" + "[" * 100_000],
    "an id that asks for an answer": [event("active", head="7")],
    "another namespace": [event("active", head="/admin,")],
    "an acknowledgement": ['31["active"]'],
    "a binary acknowledgement": ["61-1[" + json.dumps(PLACE) + "]", b"x"],
    "an error": ['4{"message":"x"}'],
    "an unknown kind": ["9"],
    "no digit": ["x"],
    "nothing": [""],
    "bytes before a head": [b"x"],
    "an attachment count without attachments": ["50-" + '["active"]'],
    "attachments of a plain event": ['21-["active"]'],
    "more attachments than any frame has": [event("active", count=MAX_ATTACHMENTS + 1)],
    "endlessly many attachments": ["5" + "9" * 60 + '-["active"]'],
    "a text for an attachment": [event("send", PLACE, 1, PLACE, [], count=1), "x" * 16],
    "a head for an attachment": [event("send", PLACE, 1, PLACE, [], count=1), event("active")],
    "a place without a number": [event("send", {"_placeholder": True}, count=1), b"x" * 16],
    "a place with more": [event("send", PLACE | {"x": 1}, count=1), b"x" * 16],
    "a place of another number": [event("send", PLACE | {"num": 1}, count=1), b"x" * 16],
    "a place counted from the end": [event("send", PLACE | {"num": -1}, count=1), b"x" * 16],
    "a place that is text": [event("send", PLACE | {"num": "0"}, count=1), b"x" * 16],
    "a place in a plain event": [event("send", PLACE, 1, PLACE, [])],
    "an attachment that no place takes": [event("active", count=1), b"x"],
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_event_of_the_catalogue_is_refused(what: str) -> None:
    with pytest.raises(NOT_AN_EVENT):
        read(BAD[what])


def test_one_attachment_is_never_many_boxes() -> None:
    box = {"_placeholder": True, "num": 3}
    boxes = [[{"_placeholder": True, "num": 2}, 1, box]] * 30
    head = event("send", PLACE, 1, PLACE | {"num": 1}, boxes, count=4)
    with pytest.raises(NOT_AN_EVENT):
        read([head, bytes(16), bytes(32), bytes(16), bytes(limits.MAX_BOX_BYTES)])


def test_attachments_out_of_order_are_refused() -> None:
    head = event("send", PLACE | {"num": 1}, 1, PLACE, [], count=2)
    with pytest.raises(NOT_AN_EVENT):
        read([head, bytes(32), bytes(16)])


@given(st.lists(st.one_of(st.text(max_size=60), st.binary(max_size=60)), max_size=4))
def test_no_parts_break_the_codec(parts: list[str | bytes]) -> None:
    assembly = Assembly()
    for part in parts:
        try:
            found = assembly.add(part)
        except NOT_AN_EVENT:
            return
        assert found is None or isinstance(found, ClientFrame)


def test_a_deliver_is_a_head_and_five_attachments() -> None:
    frame = Deliver(1, bytes(16), bytes(16), 2, bytes(32), 3, 4, bytes(32), 5, bytes(544))
    head, *attachments = (payload for _, payload in Event(frame).items)
    assert head.startswith(b'455-["deliver",1,{"_placeholder":true,"num":0},')
    assert [len(attachment) for attachment in attachments] == [16, 16, 32, 32, 544]


def test_the_json_of_other_users_of_the_library_is_left_alone() -> None:
    assert socketio.packet.Packet.json.__name__ == "engineio.json"
    assert engineio.packet.Packet.json.__name__ == "engineio.json"
