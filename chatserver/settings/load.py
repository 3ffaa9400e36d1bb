"""From five places to one frozen value, or to every reason why not, at once."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chatserver.settings import keyring, rules, sources
from chatserver.settings.model import Profile, Settings
from chatserver.settings.problems import ConfigurationRefusedError
from chatserver.settings.sources import Found, Layer

DEFAULT: Final = "default"
NOT_YET: Final = "made at first start"
DERIVED: Final = "default_factory_not_called"
"""Pydantic's type of a fault that only follows from another field's."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force. `source` names, for every field, the place that its value came from."""

    settings: Settings
    source: Mapping[str, str]


def load(
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    config: Path | None = None,
    make_keys: bool = False,
) -> Effective:
    """Read every source and hold the result against the rules. Raises ConfigurationRefusedError.

    `overrides` come from the command line, None meaning not given. `make_keys` writes missing keys (development only):
    whoever starts a server sets it, whoever only looks does not.
    """
    layers = _layers(overrides or {}, environ, config)
    problems = [problem for layer in layers for problem in layer.problems]
    found = _merge(layers)
    found |= _keys(found, make_keys=make_keys, problems=problems)
    problems += _open_secrets(found)
    settings = _validate(found, problems)
    if problems:
        raise ConfigurationRefusedError(problems)
    return Effective(settings, {name: _source(found, name) for name in Settings.model_fields})


def _layers(overrides: Mapping[str, object], environ: Mapping[str, str], config: Path | None) -> list[Layer]:
    """The sources, first wins. The TOML file may be found by what the ones before it say, so it is read last."""
    above = [sources.command_line(overrides), sources.environment(environ), sources.secret_files(environ)]
    named = config or (Path(environ[sources.CONFIG_VARIABLE]) if environ.get(sources.CONFIG_VARIABLE) else None)
    file = sources.toml_file(named or _data_dir(_merge(above)) / "sotto.toml", named=named is not None)
    profile = _merge([*above, file]).get("profile")
    return [*above, sources.plain(environ, profile.value if profile else None), file]


def _merge(layers: Iterable[Layer]) -> dict[str, Found]:
    merged: dict[str, Found] = {}
    for layer in layers:
        merged = layer.found | merged
    return merged


def _data_dir(found: Mapping[str, Found]) -> Path:
    return Path(str(found["data_dir"].value)) if "data_dir" in found else Settings.model_fields["data_dir"].default


def _keys(found: Mapping[str, Found], *, make_keys: bool, problems: list[str]) -> dict[str, Found]:
    """The keys that no source gave: from `data_dir/keys`, else made in development, else a problem."""
    data_dir = _data_dir(found)
    production = "profile" in found and found["profile"].value == Profile.PRODUCTION
    wanted = [name for name in keyring.KEY_NAMES if name not in found]
    if make_keys and wanted and not production:
        try:
            keyring.make_missing(data_dir)
        except OSError as error:
            problems.append(f"data_dir cannot be written ({type(error).__name__}): let it name a directory of yours.")
    return {name: _key(data_dir, name, production=production, problems=problems) for name in wanted}


def _key(data_dir: Path, name: str, *, production: bool, problems: list[str]) -> Found:
    """One key. The stand-in is for looking only: nothing is ever sealed under it."""
    stand_in = Found(keyring.new_key(), NOT_YET)
    path = keyring.key_path(data_dir, name)
    if not path.exists():
        if production:
            problems.append(
                f"{name} is missing: make it with: sotto config keygen --data-dir {shlex.quote(str(data_dir))}"
            )
        return stand_in
    read = sources.read_secret(path, f"keys/{name}")
    if isinstance(read, Found):
        return read
    problems.append(read)
    return stand_in


def _open_secrets(found: Mapping[str, Found]) -> list[str]:
    """In production a file with a secret in it belongs to Sotto's account alone."""
    if "profile" not in found or found["profile"].value != Profile.PRODUCTION:
        return []
    files = dict.fromkeys(value.secret_file for value in found.values() if value.secret_file)
    return [
        f"A secret is open to other accounts: chmod o-rwx {shlex.quote(str(file))}"
        for file in files
        if rules.is_open_file(file)
    ]


def _validate(found: Mapping[str, Found], problems: list[str]) -> Settings:
    """The settings. Faults go to `problems`; then defaults stand in, so that the rules speak about all the rest."""
    values = {name: value.value for name, value in found.items()}
    try:
        settings, faulty = Settings.model_validate(values), frozenset[str]()
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        faulty = frozenset(str(detail["loc"][0]) for detail in details)
        problems += dict.fromkeys(_sentence(detail, found) for detail in details if detail["type"] != DERIVED)
        keys = {name: keyring.new_key() for name in keyring.KEY_NAMES}
        settings = Settings.model_validate(keys | {name: values[name] for name in values.keys() - faulty})
    problems += rules.broken(settings, faulty)
    return settings


def _sentence(detail: ErrorDetails, found: Mapping[str, Found]) -> str:
    """Name the field, its place, the fault in pydantic's or our words (which hold no value), and what is wanted."""
    name = str(detail["loc"][0])
    fault = detail["msg"].removeprefix("Value error, ")
    wanted = Settings.model_fields[name].description
    return f"{name} ({_source(found, name)}) is refused, {fault[0].lower()}{fault[1:]}: set it to {wanted}."


def _source(found: Mapping[str, Found], name: str) -> str:
    return found[name].source if name in found else DEFAULT
