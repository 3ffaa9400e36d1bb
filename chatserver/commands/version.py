"""`sotto version`: what is installed."""

import json
import platform
from importlib.metadata import version
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(epilog="Example: [bold]sotto version --json[/bold]")
def show(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print the versions of Sotto and of Python."""
    facts = {"sotto": version("sotto-chat"), "python": platform.python_version()}
    typer.echo(json.dumps(facts) if as_json else "\n".join(f"{name} {value}" for name, value in facts.items()))
