"""How a bare peer on aiohttp says where it listens, and ends."""

import asyncio
import signal

from aiohttp import web


async def listen(app: web.Application) -> None:
    """Serve on any free port until SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"listening on {runner.addresses[0][1]}", flush=True)
    await told.wait()
    await runner.cleanup()
