"""`sotto chat`: talk to people, end-to-end encrypted, in a terminal."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sotto.chat.entry import Wanted
    from sotto.client import Client

app = typer.Typer(rich_markup_mode="rich")


@app.command(epilog="Example: [bold]sotto chat https://chat.example.org --invite CODE[/bold]")
def chat(
    *,
    url: Annotated[str, typer.Argument(help="The server, such as https://chat.example.org.")] = "",
    invite: Annotated[str, typer.Option(help="The code of an invitation: makes your account.")] = "",
    name: Annotated[str, typer.Option(help="Your sign-in name.")] = "",
    to: Annotated[
        str, typer.Option("--with", help="Open the conversation with this person, or with this number.")
    ] = "",
    demo: Annotated[str, typer.Option(metavar="WHO", help="Chat as one of the demo's people: patient, mentor...")] = "",
    data_dir: Annotated[Path, typer.Option(help="The demo's data directory.")] = Path("data"),
    state: Annotated[Path | None, typer.Option(help="The file that keeps this device's encrypted state.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="Read the password from the first line of a file.")] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for screen readers, scripts and pipes.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="Add this device to an account that has one already.")] = False,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="Allow a server elsewhere without TLS.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Line by line, events as JSON objects.")] = False,
) -> None:
    """Chat in the terminal.

    What you write and read is kept on this device, encrypted under your password. Ctrl-C or /quit closes without loss.
    """
    from sotto.chat.entry import Wanted  # noqa: PLC0415  help must not wait for it
    from sotto.errors import SottoError, Unreachable  # noqa: PLC0415  same

    wanted = Wanted(url, name, invite, demo, data_dir, state, password_file, plain_http, link)
    line_mode = plain or as_json or not sys.stdin.isatty() or not sys.stdout.isatty()
    try:
        asyncio.run(_run(wanted, to, line_mode=line_mode, as_json=as_json))
    except Unreachable as error:
        _refuse(error, os.EX_UNAVAILABLE)
    except SottoError as error:
        _refuse(error, 1)
    except BaseExceptionGroup as group:
        _refuse(_cause(group), 1)
    except (KeyboardInterrupt, EOFError):
        raise typer.Exit(0) from None


async def _run(wanted: "Wanted", to: str, *, line_mode: bool, as_json: bool) -> None:
    from sotto.chat.entry import enter  # noqa: PLC0415  help must not wait for it
    from sotto.chat.words import left_behind  # noqa: PLC0415  same

    client = await enter(wanted)
    async with client:
        if line_mode:
            await _plain(client, to, as_json=as_json)
            return
        from sotto.chat.screen import Screen  # noqa: PLC0415  same

        await Screen(client, to).run()
        waiting = client.waiting()
    sys.stdout.write(left_behind(waiting) + "\n")


async def _plain(client: "Client", to: str, *, as_json: bool) -> None:
    from sotto.chat.plain import Plain, typed_lines  # noqa: PLC0415  same

    def write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    await Plain(client, to, write, as_json=as_json).run(typed_lines())


def _refuse(error: BaseException, code: int) -> None:
    sys.stderr.write(f"sotto: {error}\n")
    raise typer.Exit(code)


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure of the jobs that ran side by side; one that is nobody's fault but ours is raised as it is."""
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _cause(first)
    from sotto.errors import SottoError  # noqa: PLC0415  help must not wait for it

    if not isinstance(first, SottoError):
        raise first
    return first
