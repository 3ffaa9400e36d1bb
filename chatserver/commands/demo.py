"""`sotto demo`: a node with a small organisation in it, and the line that opens each person's chat."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chatserver.commands.options import Config, DataDir, effective
from chatserver.commands.running import run
from chatserver.commands.serve import Host, PortNumber

if TYPE_CHECKING:
    from chatserver.app import Node
    from chatserver.demo import Guest

app = typer.Typer(rich_markup_mode="rich")


@app.command(epilog="Example: [bold]PORT=9000 sotto demo[/bold]")
def demo(*, config: Config = None, data_dir: DataDir = None, host: Host = None, port: PortNumber = None) -> None:
    """Run a node with a demo organisation: a patient, a mentor, a clinician and a coordinator.

    Everything is kept in the data directory: stop it with Ctrl-C, start it again, and nothing is missing.
    """
    settings = effective(config, make_keys=True, data_dir=data_dir, host=host, port=port).settings
    raise typer.Exit(run(settings, lambda url, node: _open(settings.data_dir / "demo", url, node)))


async def _open(folder: Path, url: str, node: "Node") -> None:
    from chatserver.demo import Demo  # noqa: PLC0415  help must not wait for it

    organisation = Demo(node.people, folder, url)
    guests = await organisation.invite()
    node.tasks.spawn("demo", organisation.bring_together(guests))
    sys.stdout.write(welcome(url, folder, guests, web_app=node.serves_web))
    sys.stdout.flush()
    await asyncio.sleep(0)


def welcome(url: str, folder: Path, guests: "list[Guest]", *, web_app: bool) -> str:
    """What a person sees who starts the demo."""
    command = Path(sys.argv[0])
    sotto = command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command
    option = "" if folder == Path("data/demo") else f" --data-dir {folder.parent}"
    width = max(len(_who(guest)) for guest in guests)
    lines = [f"  {_who(guest):<{width}}   {sotto} chat --demo {guest.role}{option}\n" for guest in guests]
    if web_app:
        lines = [f"{line}  {'':<{width}}   {guest.link}\n" for line, guest in zip(lines, guests, strict=True)]
    where = "two browser tabs or terminals" if web_app else "two terminals"
    more = "" if web_app else "\nWith Node 20.19 or newer, `make web` adds the same chat in a browser.\n"
    return (
        f"\nSotto listens on {url}\n\n"
        f"Open {where} and chat as two of these people:\n\n{''.join(lines)}{more}"
        "\nCtrl-C stops the server; what was accepted is kept.\n\n"
    )


def _who(guest: "Guest") -> str:
    return f"{guest.alias} ({guest.role})"
