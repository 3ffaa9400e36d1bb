"""The encrypted local state: one SQLite file, one thread, one owner (CRYPTO section 8)."""

from sotto.state.database import Database, Writes
from sotto.state.history import History, place_key
from sotto.state.loading import Loaded

__all__ = ["Database", "History", "Loaded", "Writes", "place_key"]
