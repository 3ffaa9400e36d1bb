"""What a person can order with a slash, in full-screen and in line mode: each order says its answer in lines."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from crypto.linking import words_match
from sotto.chat.safe_text import safe
from sotto.chat.words import LEGEND, UNVERIFIED
from sotto.client import Client
from sotto.errors import SottoError
from sotto.values import Asking, Conversation, Member, OwnDevice

SAY: Final = "say"
"""Not an order: a text to send. A text that begins with a slash is written with two."""

MAY_ADD: Final = "may-add"
LINK_HOW: Final = f"Type the eight words of its screen: /link WORDS, or /link {MAY_ADD} WORDS if it may add others."

_GROUP: Final = 5
_GROUPS_A_LINE: Final = 4


@dataclass(frozen=True, slots=True)
class Order:
    """A name and what stands behind it."""

    name: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an order says, and what the screen must do: `list`, `quit`, `open` or nothing."""

    lines: tuple[str, ...] = ()
    then: str = ""
    conversation: bytes = b""


@dataclass(slots=True)
class Desk:
    """What an order works with. `compared` holds the safety numbers that were shown. Owned by one run of the chat."""

    client: Client
    conversation: Conversation | None = None
    compared: dict[bytes, str] = field(default_factory=dict)
    asking: tuple[Asking, ...] = ()
    """The devices that /link showed last."""
    seen: tuple[Member, ...] = ()
    """Those whom /who showed last: /approve accepts nobody else."""


Handler = Callable[[Desk, str], Awaitable[Answer]]


def parse(typed: str) -> Order:
    """What somebody typed: an order, or a text to send."""
    if not typed.startswith("/") or typed.startswith("//"):
        return Order(SAY, typed.removeprefix("/") if typed.startswith("//") else typed)
    name, _, rest = typed[1:].partition(" ")
    return Order(name.lower(), rest.strip())


async def carry_out(desk: Desk, order: Order) -> Answer:
    """Do it, and say what came of it."""
    handler = ORDERS.get(order.name)
    if handler is None:
        return Answer((f"There is no /{safe(order.name)}. Type /help.",))
    try:
        return await handler(desk, order.rest)
    except SottoError as error:
        return Answer((str(error),))


async def _who(desk: Desk, _: str) -> Answer:
    if desk.conversation is None:
        return Answer(("No conversation is open.",))
    desk.seen = desk.conversation.members
    lines = [f"{len(desk.seen)} people can read this ({desk.conversation.purpose}):"]
    return Answer((*lines, *(f"  {_member(member)}" for member in desk.seen)))


def _member(member: Member) -> str:
    devices = "1 device" if member.devices == 1 else f"{member.devices} devices"
    marks = ["you"] if member.own else [devices if member.devices else "not signed up yet"]
    if not member.own:
        marks += ["verified"] if member.verified else ["not verified"] if member.devices else []
        marks += [] if member.approved else ["NOT APPROVED BY YOU"]
    return f"{safe(member.alias)} ({member.role}): {', '.join(marks)}"


async def _safety(desk: Desk, rest: str) -> Answer:
    lines: list[str] = []
    for member in _others(desk.conversation, rest):
        digits = desk.compared[member.account] = desk.client.safety_number(member.account)
        groups = [digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)]
        rows = [" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE)]
        lines += [f"Safety number with {safe(member.alias)}:", *(f"    {row}" for row in rows)]
        lines += [f"Same on both screens? Then nobody stands between you: /verify {safe(member.alias)}"]
    return Answer(tuple(lines) or ("There is nobody of that name here.",))


async def _verify(desk: Desk, rest: str) -> Answer:
    found = _others(desk.conversation, rest)
    number = desk.compared.get(found[0].account) if len(found) == 1 else None
    if number is None:
        return Answer(("Compare /safety first, then say who it was: /verify NAME.",))
    await desk.client.verify(found[0].account, number)
    return Answer((f"{safe(found[0].alias)} is verified. You will be told if that ever changes.",))


async def _approve(desk: Desk, _: str) -> Answer:
    if desk.conversation is None:
        return Answer(("No conversation is open.",))
    if desk.seen != desk.conversation.members:
        shown = await _who(desk, "")
        return Answer((*shown.lines, "If that is right, /approve once more."))
    left = set(await desk.client.approve(desk.conversation))
    lines = [UNVERIFIED.format(who=safe(m.alias)) for m in desk.conversation.members if m.account in left]
    return Answer(tuple(lines) or ("Approved. What was waiting goes out now.",))


async def _retry(desk: Desk, _: str) -> Answer:
    if desk.conversation is not None:
        await desk.client.retry(desk.conversation.id)
    return Answer(("Trying again.",))


async def _list(desk: Desk, _: str) -> Answer:
    return Answer(tuple(titles(desk.client)), then="list")


async def _open(desk: Desk, rest: str) -> Answer:
    found = find(desk.client, rest)
    return Answer(then="open", conversation=found.id) if found else Answer(("There is no such conversation: /list.",))


async def _typing(desk: Desk, rest: str) -> Answer:
    if rest not in ("on", "off"):
        return Answer(("Others see when you type: /typing on or /typing off.",))
    await desk.client.tell_others(typing=rest == "on")
    return Answer((f"Telling others that you type: {rest}.",))


async def _reads(desk: Desk, rest: str) -> Answer:
    if rest not in ("on", "off"):
        return Answer(("Others see what you have read: /reads on or /reads off.",))
    await desk.client.tell_others(read_marks=rest == "on")
    return Answer((f"Telling others what you have read: {rest}.",))


async def _link(desk: Desk, rest: str) -> Answer:
    """Without words: who asks. With them: the first of those who ask whose key has these words is added."""
    words = rest.split()
    may_add = words[:1] == [MAY_ADD]
    desk.asking = desk.asking if words else tuple(await desk.client.links())
    if not words:
        names = (f"  {safe(one.name)} asks to be added to your account." for one in desk.asking)
        return Answer((*names, LINK_HOW) if desk.asking else ("No device asks to be added to your account.",))
    typed = " ".join(words[may_add:])
    found = [one for one in desk.asking or await desk.client.links() if words_match(typed, one.key)]
    if not found:
        return Answer(("No device that asks has these words. Nothing was added.",))
    await desk.client.admit(found[0], typed, may_add=may_add)
    return Answer((f"{safe(found[0].name)} is added. It gets what it needs as soon as it is online.",))


async def _devices(desk: Desk, _: str) -> Answer:
    return Answer(tuple(map(_device, desk.client.devices())))


def _device(one: OwnDevice) -> str:
    marks = ["this one"] if one.here else []
    marks += ["may add others"] if one.may_add else []
    return f"  {one.device.hex()[:8]}  {', '.join(marks)}".rstrip()


async def _remove(desk: Desk, rest: str) -> Answer:
    found = [one for one in desk.client.devices() if rest and one.device.hex().startswith(rest)]
    if len(found) != 1:
        return Answer(("Say which, as /devices shows it: /remove DEVICE.",))
    await desk.client.remove_device(found[0].device)
    return Answer(("Removed. It is signed out, and nothing is sealed to it any more.",))


async def _help(_: Desk, __: str) -> Answer:
    legend = (f"  {name:<10} {meaning}" for name, meaning in LEGEND)
    return Answer((*HELP, "", "Beside what you wrote:", *legend))


async def _quit(_: Desk, __: str) -> Answer:
    return Answer(then="quit")


ORDERS: Final[dict[str, Handler]] = {
    "who": _who,
    "safety": _safety,
    "verify": _verify,
    "approve": _approve,
    "retry": _retry,
    "list": _list,
    "open": _open,
    "typing": _typing,
    "reads": _reads,
    "link": _link,
    "devices": _devices,
    "remove": _remove,
    "help": _help,
    "quit": _quit,
}

HELP: Final = (
    "/who              who can read this conversation",
    "/safety [NAME]    digits to compare by another way",
    "/verify NAME      they were the same",
    "/approve          go on after people or keys changed",
    "/retry            try now what is waiting",
    "/list, /open N    conversations",
    "/typing on|off    tell others that you type",
    "/reads on|off     tell others what you have read",
    "/link [WORDS]     who asks to be added to your account; with its words: add it",
    "/devices          the devices of your account; /remove DEVICE takes one out",
    "/quit             close; what waits is kept (also Ctrl-C)",
    "//text            a text that begins with a slash",
)


def titles(client: Client) -> list[str]:
    """The conversations with their numbers."""
    found = client.conversations()
    return [f"{number}  {title(one)}" for number, one in enumerate(found, 1)]


def title(conversation: Conversation) -> str:
    """The other people of a conversation."""
    others = [f"{safe(member.alias)} ({member.role})" for member in conversation.members if not member.own]
    return ", ".join(others) or "only you"


def find(client: Client, wanted: str) -> Conversation | None:
    """A conversation by its number or by somebody's alias; the smallest one with that person."""
    found = client.conversations()
    if wanted.isdecimal():
        return found[int(wanted) - 1] if 1 <= int(wanted) <= len(found) else None
    key = wanted.casefold()
    fitting = [one for one in found if any(m.alias.casefold() == key and not m.own for m in one.members)]
    return min(fitting, key=lambda one: len(one.members), default=None)


def _others(conversation: Conversation | None, wanted: str) -> list[Member]:
    members = conversation.members if conversation else ()
    key = wanted.casefold()
    others = [member for member in members if not member.own and member.devices]
    return [member for member in others if not key or member.alias.casefold() == key]
