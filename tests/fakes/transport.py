"""A socket that keeps what was written to it, as frames."""

from chatserver.transports.door import UpgradeFacts
from chatserver.wire import frames
from chatserver.wire.frames import ServerFrame

FACTS = UpgradeFacts("192.0.2.1", None, True, "/")


class FakeTransport:
    """A `Transport`. `unsent` is what a slow peer leaves in the buffer."""

    def __init__(self) -> None:
        self.frames: list[ServerFrame] = []
        self.writes = 0
        self.closed: tuple[int, str] | None = None
        self.reading = True
        self.pings = 0
        self.unsent = 0

    def encode(self, frame: ServerFrame) -> bytes:
        return frames.encode_server(frame)

    def write(self, chunks: list[bytes]) -> None:
        assert self.closed is None, "written after the close"
        self.writes += 1
        self.frames += [frames.decode_server(chunk) for chunk in chunks]

    def close(self, code: int, reason: str) -> None:
        assert self.closed is None, "closed twice"
        self.closed = (code, reason)

    def abort(self) -> None:
        self.closed = (1006, "")

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def buffered_bytes(self) -> int:
        return self.unsent

    def ping(self) -> None:
        self.pings += 1

    def take(self) -> list[ServerFrame]:
        """What came since the last call."""
        taken, self.frames = self.frames, []
        return taken
