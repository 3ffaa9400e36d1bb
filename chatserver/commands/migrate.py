"""`sotto migrate`: bring the store to the schema of this version, with a copy kept."""

import json
import os
from typing import TYPE_CHECKING

import typer

from chatserver.commands.options import Config, DataDir, Json, effective, refuse

if TYPE_CHECKING:
    from chatserver.app import Migrated

app = typer.Typer(rich_markup_mode="rich")


@app.command(epilog="Example: [bold]sotto migrate --data-dir /var/lib/sotto[/bold]")
def migrate(*, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Build the store or upgrade it. Nothing is changed if it is newer than this version, altered or in use.

    Before an upgrade the whole store is copied beside itself.
    """
    from chatserver.app import StoreRefused, migrate_store  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    try:
        done = migrate_store(settings)
    except StoreRefused as refused:
        refuse((str(refused),), os.EX_UNAVAILABLE)
    typer.echo(_told(done, as_json=as_json))


def _told(done: "Migrated", *, as_json: bool) -> str:
    copy = str(done.copy) if done.copy else None
    if as_json:
        return json.dumps({"before": done.before, "after": done.after, "copy": copy})
    if done.before == done.after:
        return f"The store has schema {done.after} already."
    if not done.before:
        return f"Made a store with schema {done.after}."
    return f"Upgraded from schema {done.before} to {done.after}; the store as it was is in {copy}."
