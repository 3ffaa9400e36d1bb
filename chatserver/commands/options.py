"""Options that several commands share, and the one way from a command line to settings."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from chatserver.settings import Effective

Config = Annotated[Path | None, typer.Option("--config", help="TOML file; else SOTTO_CONFIG, else data/sotto.toml.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Directory of the database and the keys.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


def effective(config: Path | None, *, make_keys: bool = False, **overrides: object) -> "Effective":
    """Load the settings, or end with exit code 78 and one line for each thing to mend."""
    from chatserver.settings import ConfigurationRefusedError, load  # noqa: PLC0415  pydantic is slow to load

    try:
        return load(overrides, config=config, make_keys=make_keys)
    except ConfigurationRefusedError as refused:
        refuse(refused.problems)


def refuse(problems: tuple[str, ...], code: int = os.EX_CONFIG) -> NoReturn:
    """Say each problem on a line of its own on stderr, and end."""
    for problem in problems:
        sys.stderr.write(f"sotto: {problem}\n")
    raise typer.Exit(code)
