"""One case of a vector file: made by running it, and refused here if it does not do what its author says."""

from typing import Any

from crypto.keys import Reason
from crypto.vectors.run import run
from crypto.vectors.values import Json

Case = dict[str, Any]


def case(name: str, operation: str, given: Json, refused: Reason | None = None) -> Case:
    """A case whose outcome is what this implementation does; its author says whether that is a refusal."""
    outcome = run(operation, given)
    expected = None if refused is None else refused.value
    if outcome.get("refused") != expected:
        raise AssertionError(f"{name}: expected {expected}, got {outcome.get('refused')}")
    return {"name": name, "do": operation, "in": given, "out": outcome}


def flipped(raw: bytes, bit: int) -> bytes:
    """The bytes with one bit turned; bit 0 is the lowest of the first byte."""
    return raw[: bit // 8] + bytes([raw[bit // 8] ^ 1 << bit % 8]) + raw[bit // 8 + 1 :]


def with_bytes(raw: bytes, at: int, piece: bytes) -> bytes:
    """The bytes with a piece written over them."""
    return raw[:at] + piece + raw[at + len(piece) :]
