"""`sotto user`: the people of the organisation."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from chatserver.commands.options import Config, DataDir, Json, effective
from chatserver.commands.records import day, table, work
from chatserver.people.roles import Role

if TYPE_CHECKING:
    from chatserver.desk import Invited, Person
    from chatserver.settings import Settings

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True, help="Invite, list and disable people.")

Who = Annotated[str, typer.Argument(help="A sign-in name, or the first characters of an id.", show_default=False)]


@app.command(epilog="Example: [bold]sotto user invite --role patient --alias Robin[/bold]")
def invite(
    *,
    role: Annotated[Role, typer.Option("--role", help="What the person is here.", show_default=False)],
    alias: Annotated[str, typer.Option("--alias", help="The name that others see.", show_default=False)],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Invite somebody. The code is shown this once; give it to that person alone."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    invited = work(settings, lambda people: desk.invite(people, role, alias))
    typer.echo(_as_json(invited) if as_json else _invitation(invited, role, _url(settings)))


def _as_json(invited: "Invited") -> str:
    return json.dumps({"id": invited.id.hex(), "code": invited.code, "expires_at": invited.expires_at})


def _invitation(invited: "Invited", role: Role, url: str) -> str:
    return (
        f"Invited a {role}, until {day(invited.expires_at)}. This code is shown once and works once:\n\n"
        f"  {invited.code}\n\n"
        "Whoever has it joins with:\n\n"
        f"  sotto chat {url} --invite {invited.code}"
    )


def _url(settings: "Settings") -> str:
    """The first origin, or the address that the server listens on."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.origins[0] if settings.origins else f"https://{host}:{settings.port}"


@app.command(name="list", epilog="Example: [bold]sotto user list --json[/bold]")
def list_(*, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print everybody. Reading all names is written into the audit log."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    people = work(effective(config, make_keys=True, data_dir=data_dir).settings, desk.everybody)
    if as_json:
        typer.echo(json.dumps([_fields(person) for person in people], indent=2))
    elif people:
        typer.echo(table([_row(person) for person in people]))
    else:
        typer.echo("Nobody yet: sotto user invite --help")


def _fields(person: "Person") -> dict[str, object]:
    return {
        "id": person.id.hex(),
        "role": person.role,
        "name": person.name,
        "alias": person.alias,
        "created_at": person.created_at,
        "disabled_at": person.disabled_at,
    }


def _row(person: "Person") -> tuple[str, ...]:
    state = f"disabled {day(person.disabled_at)}" if person.disabled_at else f"since {day(person.created_at)}"
    return person.id.hex(), person.role, person.alias, person.name, state


@app.command(epilog="Example: [bold]sotto user disable 3f9a[/bold]")
def disable(who: Who, *, config: Config = None, data_dir: DataDir = None) -> None:
    """End an account: no sign-in, and its sockets end at once."""
    from chatserver import desk  # noqa: PLC0415  help must not wait for it

    settings = effective(config, make_keys=True, data_dir=data_dir).settings
    person = work(settings, lambda people: desk.disable(people, who))
    typer.echo(f"{person.alias} ({person.role}) is disabled.")
