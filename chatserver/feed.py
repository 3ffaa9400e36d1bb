"""The change feed: what nodes must know of each other's commits, in one gapless row of numbers.

A change of session, device, role, membership or containment is a feed entry in the commit of its event. Nodes follow
by hint and by a poll every `POLL_S`; a node that could not read the feed for `BLIND_S` closes its sockets, because it
no longer knows who may read what.
"""

import enum
from typing import Final, NamedTuple

POLL_S: Final = 0.5
BLIND_S: Final = 5.0


class Topic(enum.IntEnum):
    """What changed; the subject is an account, unless said otherwise."""

    LIST = 1
    """A new device list of the account."""
    KEYS = 2
    """A new key bundle of a device of the account."""
    MEMBERS = 3
    """Members of a conversation; the subject is the conversation."""
    DISABLED = 4
    """The account was disabled."""
    SESSION = 5
    """A session ended; the subject is the session."""
    CLAIMED = 6
    """Another node took a device over; the subject is the device."""
    LINK = 7
    """A device asks to be linked to the account, or was answered."""


class Entry(NamedTuple):
    """One change. The store gives it its number."""

    topic: Topic
    subject: bytes
