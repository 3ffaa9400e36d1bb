"""Everything that the client raises. A `SottoError` never carries what a message said, nor what the server wrote."""

from chatserver.wire.errors import CATALOGUE


class SottoError(Exception):
    """The root of what the client raises by itself."""


class StateMissing(SottoError):
    """There is no local state at that path: sign in or accept an invitation first."""


class StateExists(SottoError):
    """There is local state at that path already, and it belongs to somebody: open it, or name another path."""


class StateInUse(SottoError):
    """Another process has this local state open. Two would give one number to two messages."""


class WrongPassword(SottoError):
    """The password does not open the local state."""


class StateDamaged(SottoError):
    """The local state cannot be read: changed, cut short, or written by a newer version."""


class StateFailed(SottoError):
    """The local state can no longer be written (a full disk, for one). Nothing goes on without it."""


class StateRolledBack(SottoError):
    """The server knows later numbers of this device than its own state: an old copy was put back.

    Going on would give one number to two messages. Sign in as a new device.
    """


class WeakPassword(SottoError):
    """The password is refused by the rules; the text says which and holds nothing of it."""


class Refused(SottoError):
    """The server said no. `code` is of the one catalogue, `retry` says whether the same may succeed later."""

    def __init__(self, code: str) -> None:
        known = CATALOGUE.get(code)
        super().__init__(known.reason if known else "The server refused for a reason that this client does not know.")
        self.code = code if known else "unknown"
        self.retry = known.retry if known else False


class Unreachable(SottoError):
    """No answer came: network, name, certificate or time."""


class BadAnswer(SottoError):
    """The server's answer could not be read, or contradicts what this device knows for itself."""


class SignInNeeded(SottoError):
    """The session has ended. What waits in the queue stays there; `sign_in` goes on."""


class LinkingNeeded(SottoError):
    """The account has devices already, and this one holds no identity: it must be linked by one of them."""


class NothingToLinkTo(SottoError):
    """The account has no device yet: sign in, and this one is its first."""


class WordsDiffer(SottoError):
    """The eight words are not those of the key that the server gave. Nothing was signed."""


class IdentityNeeded(SottoError):
    """This device does not hold the account's identity, and can add or remove no device."""


class TooManyDevices(SottoError):
    """The account's list is full."""


class UnknownDevice(SottoError):
    """The account has no other device with that id."""


class Stopped(SottoError):
    """The server ended the connection and said not to come back as before. `code` is of the one catalogue."""

    def __init__(self, code: str) -> None:
        known = CATALOGUE.get(code)
        super().__init__(known.reason if known else "The connection was ended for good.")
        self.code = code if known else "unknown"


class TooLong(SottoError):
    """The text does not fit a frame of this conversation. `limit_bytes` counts its UTF-8 bytes."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The text is longer than {limit_bytes} bytes, the most that fits this conversation.")
        self.limit_bytes = limit_bytes


class QueueFull(SottoError):
    """Too many messages wait for the network. Nothing was taken."""


class NumberChanged(SottoError):
    """The safety number that was compared is not that of the pinned keys any more."""


class InsecureServer(SottoError):
    """The address is plain HTTP and not of this machine: the proof of the password would travel in the clear."""


class UnknownConversation(SottoError):
    """No conversation of this account has that id."""


class UnknownAccount(SottoError):
    """Nothing is pinned for that account yet."""
