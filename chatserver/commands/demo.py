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
    sys.stdout.write(welcome(url, folder, guests))
    sys.stdout.flush()
    await asyncio.sleep(0)


def welcome(url: str, folder: Path, guests: "list[Guest]") -> str:
    """What a person sees who starts the demo."""
    command = Path(sys.argv[0])
    sotto = command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command
    width = max(len(f"{guest.alias} ({guest.role})") for guest in guests)
    option = "" if folder == Path("data/demo") else f" --data-dir {folder.parent}"
    lines = [f"  {f'{g.alias} ({g.role})':<{width}}   {sotto} chat --demo {g.role}{option}" for g in guests]
    return (
        f"\nSotto listens on {url}\n\n"
        "Open two terminals and chat as two of these people:\n\n"
        + "\n".join(lines)
        + "\n\nCtrl-C stops the server; what was accepted is kept.\n\n"
    )
