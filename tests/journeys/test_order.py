"""Messages of one sender are handed over in the order in which they were sent, whatever the reader's socket does."""

from pathlib import Path

from chatserver.app import Node
from chatserver.settings import load
from chatserver.wire import frames, limits
from loadtests.chaos.server import free_port
from tests.journeys.pairs import pair

IN_WINDOW = limits.DELIVERY_WINDOW_BYTES // limits.MAX_BOX_BYTES


async def test_what_a_full_window_sends_to_the_store_does_not_overtake_what_is_in_flight(tmp_path: Path) -> None:
    # Nothing is written because it was held too long: what is in flight stays in memory alone.
    chosen = {"data_dir": tmp_path, "port": free_port(), "hold_ms": 5_000}
    node = Node(load(chosen, environ={}, make_keys=True).settings)
    port = await node.start()
    try:
        async with pair(load(chosen, environ={}).settings, f"http://127.0.0.1:{port}") as two:
            sent = []
            for _ in range(IN_WINDOW + 2):
                message = two.sender.message(two.scope, [two.reader], limits.MAX_BOX_BYTES)
                await two.sending.send(message)
                sent.append(message.n)
            for _ in range(IN_WINDOW):
                await two.reading.until(frames.Deliver)
            await two.sending.until(frames.Receipt)  # one is in the store
            await two.reading.close()
            back = await two.reader.connect()
            handed: list[int] = []
            while len(handed) < len(sent):
                delivered = await back.until(frames.Deliver)
                handed.append(delivered.n)
                await back.send(frames.Ack((delivered.number,)))
            assert handed == sent
    finally:
        await node.stop()
