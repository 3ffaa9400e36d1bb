"""The client library: `from sotto import Client`. Loading it costs nothing until a name is used (PEP 562)."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sotto.client import Client

__all__ = ["Client"]

_HOMES = {"Client": "sotto.client"}


def __getattr__(name: str) -> object:
    """Resolve a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(_HOMES[name]), name)
