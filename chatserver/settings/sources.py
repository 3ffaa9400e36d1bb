"""Where a value may come from. Each reader turns one place into a `Layer` and names what it does not know."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatserver.settings.keyring import KEY_NAMES
from chatserver.settings.model import Profile, Settings

PREFIX: Final = "SOTTO_"
CLIENT_PREFIX: Final = "SOTTO_CLIENT_"
"""Variables of the client programs; the server does not read them and does not refuse them."""

CONFIG_VARIABLE: Final = "SOTTO_CONFIG"
PLAIN: Final = {"HOST": "host", "PORT": "port"}


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the words that name its place. `secret_file` is set where a file held a secret."""

    value: object = field(repr=False)
    source: str
    secret_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says, by field name, and what is wrong with that place."""

    found: dict[str, Found] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def variable(name: str) -> str:
    """Name the environment variable of a field."""
    return PREFIX + name.upper()


def command_line(overrides: Mapping[str, object]) -> Layer:
    """Options that were given; None means not given."""
    given = {name: value for name, value in overrides.items() if value is not None}
    return Layer({name: Found(value, "command line") for name, value in given.items()})


def environment(environ: Mapping[str, str]) -> Layer:
    """SOTTO_*; an empty variable counts as not set (what `docker -e NAME=` and compose files produce)."""
    layer = Layer()
    known = {variable(name): name for name in Settings.model_fields}
    secret_files = {variable(name) + "_FILE" for name in KEY_NAMES}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(CLIENT_PREFIX):
            continue
        if name in known:
            if environ[name]:
                layer.found[known[name]] = Found(environ[name], name)
        elif name not in secret_files and name != CONFIG_VARIABLE:
            layer.problems.append(
                f"{name} is not a setting{meant(name, known)}: unset it, or name a client's variable {CLIENT_PREFIX}*."
            )
    return layer


def secret_files(environ: Mapping[str, str]) -> Layer:
    """SOTTO_X_FILE names a file whose stripped content is the secret X."""
    layer = Layer()
    for name in KEY_NAMES:
        pointer = variable(name) + "_FILE"
        if not environ.get(pointer):
            continue
        if environ.get(variable(name)):
            layer.problems.append(f"{variable(name)} and {pointer} are both set: keep one of them.")
        found = read_secret(Path(environ[pointer]), pointer)
        if isinstance(found, Found):
            layer.found[name] = found
        else:
            layer.problems.append(found)
    return layer


def read_secret(path: Path, source: str) -> Found | str:
    """The stripped text of a secret's file, or the sentence that says why not."""
    try:
        return Found(path.read_text(encoding="ascii").strip(), source, path)
    except (OSError, ValueError) as error:
        return f"{source} names a file that cannot be read ({type(error).__name__}): let it name a readable text file."


def plain(environ: Mapping[str, str], profile: object) -> Layer:
    """HOST and PORT, as `make run` has them. Shells set HOST by themselves, so production does not listen to it."""
    if profile == Profile.PRODUCTION:
        return Layer()
    return Layer({name: Found(environ[key], key) for key, name in PLAIN.items() if environ.get(key)})


def toml_file(path: Path, *, named: bool) -> Layer:
    """The file of settings. It must be there only if somebody `named` it."""
    if not named and not path.exists():
        return Layer()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Layer(problems=[f"The configuration file cannot be read ({type(error).__name__}): check --config."])
    except ValueError:
        return Layer(problems=[f"{path.name} is not TOML: correct it (key = value, text in quotes)."])
    layer = Layer()
    for key, value in table.items():
        if key in Settings.model_fields:
            layer.found[key] = Found(value, path.name, path if key in KEY_NAMES else None)
        else:
            layer.problems.append(
                f"{path.name} has an unknown key {key!r}{meant(key, Settings.model_fields)}: correct or remove it."
            )
    return layer


def meant(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, in brackets, if one is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
