"""The command `sotto`. A command's module is imported when that command, or the help of all of them, is asked for."""

import importlib
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_COMMANDS: Final[dict[str, str]] = {"chat": "sotto.chat.command"}
"""Commands of this package: name -> module whose `app` is a typer application. The server's are in chatserver.cli."""

PANELS: Final = {"client": "For people who chat", "server": "For people who run Sotto"}

EPILOG: Final = (
    "Exit codes: 0 ok · 1 failure · 2 usage · 69 unavailable (nobody answers, or the port is taken) · "
    "73 cannot create a file · 77 not permitted · 78 configuration refused, each reason on a line of its own."
)


class LazyCommands(TyperGroup):
    """A group that knows its commands by name and loads each from its module on demand."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  the signature is click's
        """Name the client's commands, then the server's."""
        return [*CLIENT_COMMANDS, *server_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  same
        """Load one command; None if there is none of that name."""
        panel = "client" if cmd_name in CLIENT_COMMANDS else "server"
        home = CLIENT_COMMANDS.get(cmd_name) or server_commands().get(cmd_name)
        if home is None:
            return None
        command: Any = typer.main.get_command(importlib.import_module(home).app)
        command.name, command.rich_help_panel = cmd_name, PANELS[panel]
        return command


def server_commands() -> "Mapping[str, str]":
    """The server's commands, name -> module."""
    commands: Mapping[str, str] = importlib.import_module("chatserver.cli").COMMANDS
    return commands


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"sotto {version('sotto-chat')}\n")
        raise typer.Exit


@app.callback()
def sotto(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Sotto: end-to-end encrypted chat for health care.

    [bold]sotto COMMAND --help[/bold] explains a command and shows it once in use.
    """


def main() -> None:
    """Run the command line."""
    app(prog_name="sotto")
