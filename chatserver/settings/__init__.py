"""Settings: what an operator decides, where each value came from, and every reason to refuse to start.

`load()` is the one way in. Order of the sources, first wins: command line, `SOTTO_*`, `SOTTO_*_FILE` (secrets), plain
`HOST` and `PORT` (development), the TOML file, defaults. Only app, cli and commands import this room.
"""

from chatserver.settings.keyring import KEY_NAMES
from chatserver.settings.load import Effective, load
from chatserver.settings.model import LogFormat, LogLevel, Profile, Settings
from chatserver.settings.problems import ConfigurationRefusedError

__all__ = [
    "KEY_NAMES",
    "ConfigurationRefusedError",
    "Effective",
    "LogFormat",
    "LogLevel",
    "Profile",
    "Settings",
    "load",
]
