"""Getting in: which local state, which server, which words before a password is chosen."""

import hashlib
import os
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Final

from sotto import passwords
from sotto.api import origin_of
from sotto.chat.words import JOIN, LINK_WORDS
from sotto.client import Client
from sotto.errors import SottoError, StateMissing, WrongPassword

MOST_TRIES: Final = 3

Ask = Callable[[str], str]
"""Asks a person for a line: a secret without showing it, or a name."""


class NoWay(SottoError):
    """The arguments do not lead anywhere; the text says what to give instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said."""

    url: str = ""
    name: str = ""
    invite: str = ""
    demo: str = ""
    data_dir: Path = Path("data")
    state: Path | None = None
    password_file: Path | None = None
    plain_http: bool = False
    link: bool = False


async def enter(
    wanted: Wanted, ask: Ask = getpass, say: Callable[[str], None] = print, ask_name: Ask = input
) -> Client:
    """An open client, its account made if need be. Raises SottoError with a text for the person."""
    if wanted.demo:
        return await _demo(wanted)
    if wanted.invite:
        return await _join(wanted, ask, say, ask_name)
    path = _state_of(wanted)
    if path.exists():
        return await _tried(wanted, ask, lambda password: Client.open(path, password))
    if not (wanted.url and wanted.name):
        raise NoWay("There is nothing on this device yet. Give the server's URL and --invite CODE, or --name NAME.")
    say("Signing in on a new device.")
    client = await _tried(wanted, ask, lambda password: _sign_in(wanted, path, password))
    if wanted.link:
        say(LINK_WORDS.format(words=" ".join(client.link_words)))
    return client


async def _sign_in(wanted: Wanted, path: Path, password: str) -> Client:
    enter = Client.link_here if wanted.link else Client.sign_in_here
    return await enter(_origin(wanted.url), path, name=wanted.name, password=password, plain_http=wanted.plain_http)


async def _join(wanted: Wanted, ask: Ask, say: Callable[[str], None], ask_name: Ask) -> Client:
    if not wanted.url:
        raise NoWay("An invitation is for a server: sotto chat URL --invite CODE.")
    name = wanted.name or ask_name("Choose a sign-in name: ").strip()
    path = _state_of(Wanted(url=wanted.url, name=name, state=wanted.state))
    password = _from_file(wanted) or _chosen(name, ask, say)
    return await Client.join(
        _origin(wanted.url), path, invite=wanted.invite, name=name, password=password, plain_http=wanted.plain_http
    )


def _chosen(name: str, ask: Ask, say: Callable[[str], None]) -> str:
    """A password, asked for twice, until it is strong and the same."""
    say(JOIN)
    while True:
        password = ask("Password: ")
        weak = passwords.weakness(password, [name])
        if weak is not None:
            say(str(weak))
        elif ask("The same again: ") != password:
            say("They were not the same. Once more.")
        else:
            return password


async def _tried(wanted: Wanted, ask: Ask, enter: Callable[[str], Awaitable[Client]]) -> Client:
    given = _from_file(wanted)
    if given is not None:
        return await enter(given)
    for _ in range(MOST_TRIES - 1):
        try:
            return await enter(ask("Password: "))
        except WrongPassword:
            continue
    return await enter(ask("Password: "))


async def _demo(wanted: Wanted) -> Client:
    """Sign up as one of the demo's people, or come back as them. Its passwords are no secrets."""
    path = wanted.data_dir / "demo" / f"{wanted.demo}.toml"
    try:
        guest = tomllib.loads(path.read_text("utf-8"))
        url, name, password, invite = (str(guest[key]) for key in ("url", "name", "password", "invite"))
        state = wanted.state or Path(str(guest["state"]))
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise NoWay(f"Start `sotto demo` first: there is no demo person in {path.parent}.") from None
    if state.exists():
        return await Client.open(state, password, url=url)
    try:
        return await Client.join(url, state, invite=invite, name=name, password=password)
    except SottoError:
        return await Client.sign_in_here(url, state, name=name, password=password)


def _from_file(wanted: Wanted) -> str | None:
    """The first line of the password file."""
    if wanted.password_file is None:
        return None
    try:
        lines = wanted.password_file.read_text("utf-8").splitlines()
    except OSError:
        raise NoWay("The password file cannot be read.") from None
    return lines[0] if lines else ""


def _state_of(wanted: Wanted) -> Path:
    """Where the local state is: as said, by server and name, or the only one there is."""
    if wanted.state is not None:
        return wanted.state
    home = state_home()
    if wanted.url and wanted.name:
        return home / _folder(_origin(wanted.url)) / f"{_hidden(wanted.name)}.state"
    folder = home / _folder(_origin(wanted.url)) if wanted.url else home
    found = sorted(folder.glob("**/*.state"))
    if len(found) > 1:
        raise NoWay("Several people chat on this device: give the URL and --name NAME.")
    return found[0] if found else folder / "none.state"


def state_home() -> Path:
    """$XDG_STATE_HOME/sotto, else ~/.local/state/sotto (XDG Base Directory 0.8)."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "sotto"


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:
        raise NoWay("That is not the address of a server: https://chat.example.org, for one.") from None


def _folder(origin: str) -> str:
    return origin.partition("://")[2].replace(":", "_").replace("[", "").replace("]", "")


def _hidden(name: str) -> str:
    """A file name that does not say who it is."""
    return hashlib.blake2b(name.casefold().encode(), digest_size=8).hexdigest()


__all__ = ["NoWay", "StateMissing", "Wanted", "enter", "state_home"]
