"""The examples for third-party clients run as they stand, against a real node and somebody who answers."""

import asyncio
import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from chatserver.app import Node
from chatserver.settings import load
from chatserver.wire import frames
from loadtests.actors import Device, b64
from loadtests.chaos.server import Organisation, free_port
from tests.journeys.pairs import live

EXAMPLES = Path(__file__).parents[2] / "examples" / "socketio"
NO_NODE = "The JavaScript example needs Node 20 with npm: `apt install nodejs npm`, or a package of nodejs.org."
PATIENCE_S = 90.0


@dataclass
class Scene:
    """A device that an example will be, somebody to talk to, and where the example reads who it is."""

    example: Device
    other: Device
    scope: bytes
    file: Path


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    settings = load({"data_dir": tmp_path, "port": free_port()}, environ={}, make_keys=True).settings
    node = Node(settings)
    url = f"http://127.0.0.1:{await node.start()}"
    async with aiohttp.ClientSession() as http:
        example, other = Device(url, http, "example"), Device(url, http, "other")
        async with Organisation(settings) as organisation:
            await example.join(await organisation.invite())
            await other.join(await organisation.invite())
            scope = await organisation.converse(example.account, other.account)
        file = tmp_path / "device.json"
        file.write_text(json.dumps(told(example, other, scope)))
        yield Scene(example, other, scope, file)
    await node.stop()


def told(example: Device, other: Device, scope: bytes) -> dict[str, object]:
    """What the README says a device keeps of itself."""
    return {
        "url": example.url,
        "tenant": b64(example.tenant),
        "epoch": b64(example.epoch),
        "token": example.token,
        "account": b64(example.account),
        "seed": b64(example.key.seed),
        "device": b64(example.id),
        "list_version": example.list_version,
        "list_hash": b64(example.listed.list_hash),
        "key_no": example.key_no,
        "conversation": b64(scope),
        "to": [{"device": b64(other.id), "key_no": other.key_no}],
    }


async def run(*words: str | Path, folder: Path) -> tuple[int | None, str]:
    """A command's exit code and all it said."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode()


def javascript() -> tuple[str, Path]:
    """Node, with the example's packages from its lock."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail(NO_NODE)
    folder = EXAMPLES / "javascript"
    with (folder / "package.json").open() as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # other workers of this run want them too
        if not (folder / "node_modules" / ".package-lock.json").exists():
            done = subprocess.run([npm, "ci"], cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603  our own words
            assert done.returncode == 0, done.stderr
    return node, folder / "chat.mjs"


def python() -> tuple[str, Path]:
    return sys.executable, EXAMPLES / "python" / "chat.py"


@pytest.mark.parametrize("carrier", ["websocket", "polling"])
@pytest.mark.parametrize("language", [javascript, python])
async def test_an_example_sends_reads_and_says_goodbye(
    scene: Scene, language: Callable[[], tuple[str, Path]], carrier: str
) -> None:
    program, script = language()
    socket = await live(scene.other)
    example = asyncio.ensure_future(run(program, script, scene.file, carrier, folder=scene.file.parent))
    delivered = await socket.until(frames.Deliver, PATIENCE_S)
    assert (delivered.sender, delivered.n) == (scene.example.id, 1)
    await socket.send(frames.Ack((delivered.number,)))
    await socket.send(scene.other.message(scene.scope, [scene.example]))
    assert (await socket.until(frames.Receipt)).mark == "delivered"
    code, out = await example
    assert out.splitlines() == ["welcome 0", "receipt 1 delivered", "deliver 1", "bye signed_off"]
    assert code == 0
    await socket.close()
