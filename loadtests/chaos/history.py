"""What happened: one JSON line an operation, in the order in which the harness saw it.

Operations: `send` (a number was taken), `safe`, `delivered` (receipts), `shown` (a recipient committed a message it had
not seen), `fault` (a nemesis began or ended something), `early` (a receipt of which the store of a killed server knew
nothing), and from the store at the end `event` (an audit entry of a send) and `row` (a box still in a mailbox).
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

Operation = dict[str, Any]


class History:
    """Appends operations to a file and keeps them in memory. Owned by the harness."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.operations: list[Operation] = []

    def add(self, op: str, **fields: object) -> None:
        """Ids go in as hex."""
        plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
        operation = {"t": time.monotonic_ns(), "op": op, **plain}
        self.operations.append(operation)
        self._file.write(msgspec.json.encode(operation) + b"\n")

    def close(self) -> None:
        """Everything is written."""
        self._file.close()


def read(path: Path) -> Iterator[Operation]:
    """The operations of a file."""
    with path.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line)
