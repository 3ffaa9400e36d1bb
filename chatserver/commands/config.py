"""`sotto config`: what is in force and why, whether it would start, and the keys that it needs."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatserver.commands.options import Config, DataDir, Json, effective, refuse

if TYPE_CHECKING:
    from chatserver.settings import Effective

KeyDir = Annotated[Path, typer.Option("--data-dir", help="The data_dir of the server that will use the keys.")]

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True, help="Show, check and prepare the configuration.")


@app.command(epilog="Example: [bold]sotto config show --json[/bold]")
def show(*, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print each setting in force and where it came from. Secrets are masked."""
    rows = _rows(effective(config, data_dir=data_dir))
    if as_json:
        typer.echo(json.dumps({name: {"value": value, "source": source} for name, value, source in rows}, indent=2))
        return
    shown = [(name, _text(value), source) for name, value, source in rows]
    widths = [max(len(row[column]) for row in shown) for column in (0, 1)]
    for name, value, source in shown:
        typer.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}")


def _rows(found: "Effective") -> list[tuple[str, object, str]]:
    """Every field as (name, value in JSON's types, source); pydantic masks what is secret."""
    values = found.settings.model_dump(mode="json")
    return [(name, value, found.source[name]) for name, value in values.items()]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)


@app.command(epilog="Example: [bold]SOTTO_PROFILE=production sotto config check && sotto serve[/bold]")
def check(*, config: Config = None, data_dir: DataDir = None) -> None:
    """Print "ok", or everything that keeps Sotto from starting (exit code 78)."""
    effective(config, data_dir=data_dir)
    typer.echo("ok")


@app.command(epilog="Example: [bold]sotto config keygen --data-dir /var/lib/sotto[/bold]")
def keygen(*, data_dir: KeyDir) -> None:
    """Make the secret keys that are missing, each a file of its own (mode 0600). None is ever overwritten.

    Back the keys up apart from the database: without them, what they seal is lost.
    """
    from chatserver.settings.keyring import make_missing  # noqa: PLC0415  pydantic is slow to load

    try:
        made = make_missing(data_dir)
    except OSError as error:
        refuse((f"The keys cannot be written ({type(error).__name__}): name a directory of yours.",), os.EX_CANTCREAT)
    typer.echo("\n".join(f"made {path}" for path in made) or "every key is there already")
