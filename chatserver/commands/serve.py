"""`sotto serve`: one node, until it is told to stop."""

from typing import Annotated

import typer

from chatserver.commands.options import Config, DataDir, effective
from chatserver.commands.running import run

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
PortNumber = Annotated[int | None, typer.Option("--port", help="TCP port; 0 takes any free one.")]

app = typer.Typer(rich_markup_mode="rich")


@app.command(epilog="Example: [bold]SOTTO_PROFILE=production sotto serve --data-dir /var/lib/sotto[/bold]")
def serve(*, config: Config = None, data_dir: DataDir = None, host: Host = None, port: PortNumber = None) -> None:
    """Run a node. Ctrl-C or SIGTERM drains it: nothing accepted is lost, clients reconnect by themselves."""
    settings = effective(config, make_keys=True, data_dir=data_dir, host=host, port=port).settings
    raise typer.Exit(run(settings, lambda url, _node: typer.echo(f"Sotto listens on {url}")))
