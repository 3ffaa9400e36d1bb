"""The words of the terminal client: states, connection, alarms. Plain, short, and the same in every mode."""

from typing import Final

from chatserver.wire.errors import CATALOGUE
from crypto.envelope import Note
from sotto.values import Alarm, Link, LinkChanged, Message, Stage

STAGES: Final = {
    Stage.QUEUED: "queued",
    Stage.SENT: "sent",
    Stage.SAFE: "safe",
    Stage.WITHHELD: "held back",
    Stage.DELIVERED: "delivered",
    Stage.READ: "read",
    Stage.EXPIRED: "expired, never collected",
    Stage.UNREADABLE: "could not be opened there",
    Stage.LOST: "not received",
    Stage.FAILED: "not sent",
}

LEGEND: Final = (
    ("queued", "kept on this device; it goes out as soon as it can"),
    ("sent", "on its way to the server"),
    ("safe", "durable: it will not be lost"),
    ("delivered", "a device of each other person has it"),
    ("read", "the other person's own word"),
    ("held back", "consent was withdrawn; it may still be delivered later"),
)

ALARMS: Final = {
    Alarm.PINNED: "{who} is known to this device now.",
    Alarm.DEVICE_ADDED: "{who} added a device. What you write is sealed to it, too.",
    Alarm.DEVICE_REMOVED: "{who} removed a device.",
    Alarm.IDENTITY_CHANGED: "CAUTION: the identity of {who} changed. Ask them by another way, compare /safety.",
    Alarm.MEMBER_ADDED: "CAUTION: {who} was added and could read from now on.",
    Alarm.MEMBER_REMOVED: "{who} was removed from the conversation.",
    Alarm.ROLLBACK: "WARNING: the server showed an old device list or key of {who}. It was refused.",
    Alarm.FORK: "WARNING: the server showed two different device lists or keys of {who}. The second was refused.",
    Alarm.FORGED: "WARNING: the server showed a device list or key of {who} that is not genuine. It was refused.",
    Alarm.OWN_LIST: "WARNING: somebody else changed the device list of YOUR account. It was refused.",
}

BLOCKED: Final = "Nothing is sent until you have seen who can read: /who, /safety, then /approve."
UNVERIFIED: Final = "{who} was verified before and changed since. Compare /safety, then /verify {who}."
FORK: Final = "WARNING: a device of {who} said two different things as one message. The first was kept."
UNOPENED: Final = "A message of {who} could not be opened. It was kept, and asked for again."
UNREACHABLE: Final = "{who} cannot receive now (no active device). It waits at the server."
NO_CONVERSATION: Final = "There is no conversation yet. It appears here as soon as you are in one."
SIGN_IN: Final = "You were signed out after a pause. Type your password to go on; nothing is lost."
LINK_WORDS: Final = "On a device that you use already, type: /link {words}"
LINKED: Final = "This device is linked. You can write now."
LINKS: Final = "A device asks to be added to your account, or does no more: /link."
JOIN: Final = """\
Choose a password. Four or five words that have nothing to do with each other are good.
It opens what is kept on this device. Nobody can reset it or look it up, also not your
organisation: without it, what is kept here is lost. Write it down and keep it safe.
"""


def stage_of(message: Message) -> str:
    """How far a message of one's own has come."""
    words = STAGES[message.stage]
    refusal = CATALOGUE.get(message.refusal)
    if refusal is not None:
        return f"{words}: {refusal.reason.rstrip('.').lower()}"
    return f"{words}: too long for this conversation" if message.refusal == "too_long" else words


def notes_of(message: Message) -> list[str]:
    """What is shown beside a message of somebody else."""
    notes = []
    if message.unapproved:
        notes.append("from an identity you have not accepted")
    if Note.MEMBERS_DIFFER in message.notes:
        notes.append("they saw other members than you")
    if Note.SENT_AT_FAR in message.notes:
        notes.append("their clock is off")
    return notes


def gap_of(missing: int, who: str) -> str:
    """A visible hole."""
    return f"1 message of {who} is missing" if missing == 1 else f"{missing} messages of {who} are missing"


def link_of(changed: LinkChanged, left_s: float, waiting: int) -> str:
    """The connection line."""
    kept = f" · {waiting} waiting" if waiting else ""
    return f"{_link(changed, left_s)}{kept}"


def _link(changed: LinkChanged, left_s: float) -> str:
    if changed.link is Link.WAITING:
        when = f"again in {max(1, round(left_s))} s" if left_s > 0 else "trying again"
        refusal = CATALOGUE.get(changed.code)
        return f"offline ({refusal.reason.rstrip('.').lower()}) · {when}" if refusal else f"offline · {when}"
    if changed.link is Link.STOPPED:
        refusal = CATALOGUE.get(changed.code)
        return f"stopped: {refusal.reason}" if refusal else "stopped"
    return {
        Link.OFFLINE: "offline",
        Link.CONNECTING: "connecting",
        Link.CATCHING_UP: "catching up",
        Link.CURRENT: "connected",
        Link.SIGN_IN_NEEDED: "signed out",
        Link.LINKING: "waiting to be linked",
    }[changed.link]


def left_behind(waiting: int) -> str:
    """What is said when the chat closes."""
    if not waiting:
        return "Everything was sent. Goodbye."
    what = "1 message is" if waiting == 1 else f"{waiting} messages are"
    return f"{what} waiting on this device and will go out when you open the chat again. Goodbye."
