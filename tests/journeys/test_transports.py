"""Every journey of the relay over every way in: neither transport has a feature that the other lacks."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from chatserver.app import Node
from chatserver.settings import Settings, load
from chatserver.transports.socketio_session import Session
from chatserver.wire import frames, limits
from crypto.keys import BoxKey
from loadtests.actors import Device, Socket
from loadtests.chaos.server import Organisation, free_port
from tests.journeys.stage_clock import ServerClock, Shift
from tests.journeys.stage_until import stage_until
from tests.journeys.ways import SocketIoSocket, Way, bearer, connected, ended, live, opened

BIG = limits.MAX_BOX_BYTES


@dataclass
class Scene:
    """A node in this process, two devices that share a conversation, and one way in for both."""

    way: Way
    node: Node
    shift: Shift
    settings: Settings
    ada: Device
    ben: Device
    scope: bytes
    sockets: list[Socket] = field(default_factory=list)
    stopped: bool = False

    async def live(self, device: Device) -> Socket:
        self.sockets.append(await live(device, self.way))
        return self.sockets[-1]

    async def opened(self, device: Device) -> Socket:
        self.sockets.append(await opened(device, self.way))
        return self.sockets[-1]

    async def connected(self, device: Device) -> Socket:
        self.sockets.append(await connected(device, self.way))
        return self.sockets[-1]

    async def empties(self) -> None:
        """Until the node holds no socket."""
        await stage_until(lambda: not self.node._room.connections, "all sockets are let go")

    def engine_sockets(self) -> dict[str, Session]:
        return self.node._socketio.eio.sockets

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            await self.node.stop()


@pytest.fixture(params=Way, ids=lambda way: way.value)
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    settings = load({"data_dir": tmp_path, "port": free_port()}, environ={}, make_keys=True).settings
    shift = Shift()
    node = Node(settings, ServerClock(shift))
    url = f"http://127.0.0.1:{await node.start()}"
    async with aiohttp.ClientSession() as http:
        ada, ben = Device(url, http, "ada"), Device(url, http, "ben")
        async with Organisation(settings) as organisation:
            await ada.join(await organisation.invite())
            await ben.join(await organisation.invite())
            scope = await organisation.converse(ada.account, ben.account)
        made = Scene(request.param, node, shift, settings, ada, ben, scope)
        try:
            yield made
        finally:
            await asyncio.gather(*(socket.close() for socket in made.sockets), return_exceptions=True)
            await made.stop()


async def said(scene: Scene, sending: Socket, **options: int) -> frames.Send:
    message = scene.ada.message(scene.scope, [scene.ben], **options)
    await sending.send(message)
    return message


async def receipt(socket: Socket, mark: str, n: int) -> frames.Receipt:
    while True:
        found = await socket.until(frames.Receipt)
        assert isinstance(found, frames.Receipt)
        if (found.mark, found.n) == (mark, n):
            return found


async def test_a_message_is_delivered_acknowledged_and_receipted(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    message = await said(scene, sending)
    delivered = await reading.until(frames.Deliver)
    assert delivered.box == message.boxes[0].box
    assert (delivered.scope, delivered.sender, delivered.n, delivered.c) == (
        scene.scope, scene.ada.id, message.n, message.c,
    )  # fmt: skip
    await reading.send(frames.Ack((delivered.number,)))
    await receipt(sending, "delivered", message.n)


async def test_what_came_while_one_was_away_is_read_in_order_and_then_one_is_current(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    messages = [await said(scene, sending) for _ in range(40)]
    for message in messages:
        await receipt(sending, "safe", message.n)
    reading = await scene.connected(scene.ben)
    numbers = []
    while not isinstance(frame := await reading.receive(), frames.Current):
        if isinstance(frame, frames.Deliver):
            numbers.append(frame.n)
            await reading.send(frames.Ack((frame.number,)))
    assert numbers == [message.n for message in messages]
    await receipt(sending, "delivered", messages[-1].n)


async def test_what_is_not_acknowledged_comes_again(scene: Scene) -> None:
    sending, first = await scene.live(scene.ada), await scene.live(scene.ben)
    message = await said(scene, sending)
    assert (await first.until(frames.Deliver)).n == message.n
    await first.close()
    await receipt(sending, "safe", message.n)
    again = await scene.connected(scene.ben)
    assert (await again.until(frames.Deliver)).n == message.n


async def test_the_largest_sends_that_the_limits_promise_pass(scene: Scene) -> None:
    sending, reading = await scene.live(scene.ada), await scene.live(scene.ben)
    message = await said(scene, sending, size=BIG)
    delivered = await reading.until(frames.Deliver)
    assert delivered.box == message.boxes[0].box
    three = frames.Send(scene.scope, message.n + 1, message.c, tuple(message.boxes) * 3)
    await sending.send(three)
    assert (await sending.until(frames.Refused)).code == "wrong_devices"


async def test_more_than_a_frame_may_hold_ends_the_socket(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    message = scene.ada.message(scene.scope, [scene.ben] * 4, size=BIG)
    await sending.send(message)
    assert await ended(sending) == "too_big"
    await scene.empties()


async def test_more_than_a_hello_needs_ends_the_socket_before_welcome(scene: Scene) -> None:
    sending = await scene.opened(scene.ada)
    await sending.send(scene.ada.message(scene.scope, [scene.ben], size=4_384))
    assert await ended(sending) == "too_big"


async def test_a_wrong_set_of_devices_is_refused_with_the_lists_that_mend_it(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    await sending.send(scene.ada.message(scene.scope, []))
    refused = await sending.until(frames.Refused)
    assert (refused.code, refused.retry, refused.known) == ("wrong_devices", True, False)
    assert {account for account, _ in refused.lists} >= {scene.ben.account}


async def test_a_stale_key_is_refused_with_the_bundle_that_mends_it(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    scene.ben.key_no, scene.ben.box = 2, BoxKey(os.urandom(32))
    await scene.ben.publish()
    scene.ben.key_no = 1
    scene.shift.by(limits.KEY_GRACE_S + 1)
    await sending.until(frames.Notice)
    await said(scene, sending)
    refused = await sending.until(frames.Refused)
    assert (refused.code, [device for device, _ in refused.bundles]) == ("stale_key", [scene.ben.id])


async def test_a_stranger_to_a_conversation_is_refused(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    await sending.send(scene.ada.message(bytes(16), [scene.ben]))
    assert (await sending.until(frames.Refused)).code == "not_member"


async def test_a_fleeting_box_is_handed_over_once(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    boxes = scene.ada.message(scene.scope, [scene.ben]).boxes
    await sending.send(frames.Fleeting(scene.scope, 1_800_000_000_000, bytes(32), boxes))
    whisper = await reading.until(frames.Whisper)
    assert (whisper.sender, whisper.n, whisper.box) == (scene.ada.id, 1_800_000_000_000, boxes[0].box)


async def test_the_fates_of_sends_are_told(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    message = await said(scene, sending)
    await receipt(sending, "safe", message.n)
    await sending.send(frames.Active())
    await sending.send(frames.Fates((message.n, 99)))
    told = {fate.n: (fate.state, fate.persons) for fate in (await sending.until(frames.FatesTold)).fates}
    assert told == {message.n: ("open", ((scene.ben.account, "pending"),)), 99: ("unknown", ())}


async def test_a_device_that_comes_again_replaces_itself(scene: Scene) -> None:
    first = await scene.live(scene.ada)
    second = await scene.live(scene.ada)
    assert await ended(first) == "replaced"
    await said(scene, second)
    assert await second.until(frames.Receipt)


async def test_a_device_may_come_over_one_way_and_again_over_another(scene: Scene) -> None:
    first = await scene.live(scene.ada)
    for way in Way:
        second = await live(scene.ada, way)
        scene.sockets.append(second)
        assert await ended(first) == "replaced"
        first = second


async def test_two_ways_meet_in_one_conversation(scene: Scene) -> None:
    sending = await scene.live(scene.ada)
    for way in Way:
        reading = await live(scene.ben, way)
        scene.sockets.append(reading)
        message = await said(scene, sending)
        delivered = await reading.until(frames.Deliver)
        assert delivered.box == message.boxes[0].box
        await reading.send(frames.Ack((delivered.number,)))
        await receipt(sending, "delivered", message.n)


async def test_a_device_that_acknowledges_nothing_ends_as_a_slow_consumer_and_its_mailbox_keeps_all(
    scene: Scene,
) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    message = await said(scene, sending)
    assert (await reading.until(frames.Deliver)).n == message.n
    scene.shift.by(limits.DELIVERY_GRACE_S + 2)
    assert await ended(reading) == "slow_consumer"
    again = await scene.connected(scene.ben)
    assert (await again.until(frames.Deliver)).n == message.n


async def test_a_socket_without_a_hello_in_time_is_ended(scene: Scene) -> None:
    waiting = await scene.opened(scene.ada)
    scene.shift.by(limits.HELLO_TIMEOUT_S + 1)
    assert await ended(waiting) == "hello_late"
    await scene.empties()


async def test_a_second_hello_is_out_of_order(scene: Scene) -> None:
    socket = await scene.live(scene.ada)
    await socket.send(await scene.ada.hello(scene.way.byte))
    assert await ended(socket) == "out_of_order"


async def test_a_hello_for_another_transport_is_refused(scene: Scene) -> None:
    socket = await scene.opened(scene.ada)
    other = Way.WEBSOCKET if scene.way is Way.NATIVE else Way.NATIVE
    await socket.send(await scene.ada.hello(other.byte))
    assert await ended(socket) == "hello_refused"


async def test_who_leaves_is_told_goodbye(scene: Scene) -> None:
    socket = await scene.live(scene.ada)
    await socket.send(frames.Bye())
    assert await ended(socket) == "signed_off"
    await scene.empties()


async def test_who_signs_out_loses_the_socket(scene: Scene) -> None:
    socket = await scene.live(scene.ada)
    await scene.ada.call("DELETE", "/v1/sessions/current")
    assert await ended(socket) == "session_ended"


async def test_an_ending_is_read_behind_what_was_not_read_yet(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    for _ in range(20):
        await said(scene, sending)
    await receipt(sending, "safe", scene.ada.n)
    await scene.ben.call("DELETE", "/v1/sessions/current")
    numbers = [(await reading.until(frames.Deliver)).n for _ in range(20)]
    assert numbers == list(range(1, 21))
    assert await ended(reading) == "session_ended"


async def test_a_device_that_just_leaves_is_let_go(scene: Scene) -> None:
    socket = await scene.live(scene.ada)
    await socket.close()
    await scene.empties()


async def test_a_node_that_stops_sends_everybody_elsewhere_and_loses_nothing(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    message = await said(scene, sending)
    assert (await reading.until(frames.Deliver)).n == message.n
    stopping = asyncio.ensure_future(scene.stop())
    assert set(await asyncio.gather(ended(reading), ended(sending))) == {"resume_elsewhere"}
    await stopping
    async with Organisation(scene.settings) as organisation:
        assert sum((await organisation.sends()).values()) == 1


async def test_two_hundred_sends_are_taken_and_handed_over_in_their_order(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await scene.live(scene.ada)
    messages = [scene.ada.message(scene.scope, [scene.ben]) for _ in range(200)]

    async def send() -> None:
        for message in messages:
            await sending.send(message)

    async def read() -> list[int]:
        numbers: list[int] = []
        while len(numbers) < len(messages):
            delivered = await reading.until(frames.Deliver)
            numbers.append(delivered.n)
            await reading.send(frames.Ack((delivered.number,)))
        return numbers

    _, numbers = await asyncio.gather(send(), read())
    assert numbers == [message.n for message in messages]


@pytest.mark.parametrize("scene", [Way.POLLING, Way.WEBSOCKET], ids=lambda way: way.value, indirect=True)
async def test_nobody_says_hello_over_the_session_of_somebody_else(scene: Scene) -> None:
    victim = await scene.live(scene.ada)
    thief = SocketIoSocket(bearer(scene.ben))
    scene.sockets.append(thief)
    await thief.open(scene.ada.url, scene.way.carriers)
    await thief.send(await scene.ada.hello(scene.way.byte))
    assert await ended(thief) == "hello_refused"
    message = await said(scene, victim)
    assert (await receipt(victim, "safe", message.n)).n == message.n


@pytest.mark.parametrize("scene", [Way.POLLING], ids=lambda way: way.value, indirect=True)
async def test_a_polling_device_that_polls_no_more_is_let_go_and_its_mailbox_keeps_all(scene: Scene) -> None:
    reading, sending = await scene.live(scene.ben), await live(scene.ada, Way.WEBSOCKET)
    scene.sockets.append(sending)
    assert isinstance(reading, SocketIoSocket)
    reading.client.eio.read_loop_task.cancel()  # with the poll under way
    messages = [await said(scene, sending, size=16_672) for _ in range(30)]
    await receipt(sending, "safe", messages[-1].n)
    (silent,) = (one for one in scene.node._room.connections if one.seat and one.seat.device == scene.ben.id)
    assert silent._transport.buffered_bytes() + silent._outbox_bytes < limits.OUTBOX_BYTES
    scene.shift.by(limits.DELIVERY_GRACE_S + limits.OUTBOX_BYTES / 4_096)
    await stage_until(lambda: silent not in scene.node._room.connections, "it ends as a slow consumer")
    await stage_until(lambda: len(scene.engine_sockets()) == 1, "its session is forgotten")
    again = await scene.connected(scene.ben)
    assert [(await again.until(frames.Deliver)).n for _ in range(10)] == list(range(1, 11))
