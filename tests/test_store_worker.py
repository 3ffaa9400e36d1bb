"""One thread, jobs in order, results on the loop."""

import asyncio
import threading
from functools import partial

from chatserver.store.worker import Worker


def where(number: int) -> tuple[int, int]:
    return number, threading.get_ident()


async def test_jobs_run_in_order_on_one_thread_and_are_told_on_the_loop() -> None:
    worker = Worker("test", asyncio.get_running_loop())
    told: list[tuple[tuple[int, int] | Exception, int]] = []
    end = asyncio.Event()
    for number in range(50):
        worker.run(partial(where, number), lambda result: told.append((result, threading.get_ident())))
    worker.run(lambda: None, lambda _: end.set())
    await end.wait()
    worker.stop()
    worker.join()
    (ran_in,) = {thread for (_, thread), _ in told}  # type: ignore[misc]  # results are `where`'s
    assert told == [((number, ran_in), threading.get_ident()) for number in range(50)]
    assert ran_in != threading.get_ident()


async def test_what_a_job_raises_is_told() -> None:
    worker = Worker("test", asyncio.get_running_loop())
    heard: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    worker.run(lambda: 1 // 0, heard.set_result)
    assert isinstance(await heard, ZeroDivisionError)
    worker.stop()
    worker.join()


def test_a_closed_loop_hears_nothing_and_the_worker_ends() -> None:
    loop = asyncio.new_event_loop()
    worker = Worker("test", loop)
    loop.close()
    ran: list[int] = []
    worker.run(lambda: ran.append(1), lambda _: ran.append(2))
    worker.stop()
    worker.join()
    assert ran == [1]
