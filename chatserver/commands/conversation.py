"""`sotto conversation`: who talks with whom."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from chatserver.care.purposes import Purpose
from chatserver.commands.options import Config, DataDir, Json, effective
from chatserver.commands.records import day, table, work
from chatserver.commands.user import Who

if TYPE_CHECKING:
    from chatserver.desk import Talk

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True, help="Make and list conversations, and change them.")

Which = Annotated[str, typer.Argument(help="The first characters of a conversation's id.", show_default=False)]
Members = Annotated[list[str], typer.Argument(help="Sign-in names or first characters of ids.", show_default=False)]


@app.command(epilog="Example: [bold]sotto conversation create --purpose treatment ada 3f9a[/bold]")
def create(
    members: Members,
    *,
    purpose: Annotated[Purpose, typer.Option("--purpose", help="Why these people talk.")] = Purpose.TREATMENT,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a conversation of these people and print its id."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    made = work(settings, lambda people: desk.create(people, purpose, members))
    typer.echo(json.dumps({"id": made.hex()}) if as_json else made.hex())


@app.command(epilog="Example: [bold]sotto conversation add 81c2 ada[/bold]")
def add(conversation: Which, who: Who, *, config: Config = None, data_dir: DataDir = None) -> None:
    """Let somebody take part. Nothing said before is theirs to read."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    person = work(settings, lambda people: desk.add(people, conversation, who))
    typer.echo(f"{person.alias} ({person.role}) takes part.")


@app.command(epilog="Example: [bold]sotto conversation remove 81c2 ada[/bold]")
def remove(conversation: Which, who: Who, *, config: Config = None, data_dir: DataDir = None) -> None:
    """End somebody's part. What still waits for them of it is deleted."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    person = work(settings, lambda people: desk.remove(people, conversation, who))
    typer.echo(f"{person.alias} ({person.role}) takes part no longer.")


@app.command(name="list", epilog="Example: [bold]sotto conversation list --json[/bold]")
def list_(*, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print every conversation with its people. Reading that is written into the audit log."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    talks = work(effective(config, make_keys=True, data_dir=data_dir).settings, desk.talks)
    if as_json:
        typer.echo(json.dumps([_fields(talk) for talk in talks], indent=2))
    elif talks:
        typer.echo(table([_row(talk) for talk in talks]))
    else:
        typer.echo("None yet: sotto conversation create --help")


def _fields(talk: "Talk") -> dict[str, object]:
    members = [{"id": person.id.hex(), "role": person.role, "alias": person.alias} for person in talk.members]
    return {"id": talk.id.hex(), "purpose": talk.purpose, "created_at": talk.created_at, "members": members}


def _row(talk: "Talk") -> tuple[str, ...]:
    members = ", ".join(f"{person.alias} ({person.role})" for person in talk.members)
    return talk.id.hex(), talk.purpose, day(talk.created_at), members
