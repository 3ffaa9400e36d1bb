"""What tests of the sending queue are made of: texts, numbers, answers."""

from hashlib import blake2b

from chatserver.wire.frames import Receipt, Refused
from crypto.envelope import Committed, Content, commit
from crypto.keys import FrameClass
from sotto.sending import Outbox
from sotto.state.records import Outgoing

DEVICE = b"d" * 16
ONE, TWO = b"1" * 16, b"2" * 16
PERSON = b"p" * 16


def repeatable(size: int) -> bytes:
    return blake2b(b"kf", digest_size=size).digest()


def committed(item: Outgoing, n: int, seq: int, prev: bytes) -> Committed:
    content = Content(item.kind, seq, item.queued_at, prev, bytes(32), item.body)
    return commit(FrameClass.MESSAGE, item.scope, DEVICE, n, content, random=repeatable)


def item(number: int, scope: bytes = ONE) -> Outgoing:
    return Outgoing(number, scope, 1, f"text {number}".encode(), 1_000 + number, number << 16)


def outbox(*items: Outgoing, n: int = 0) -> Outbox:
    made = Outbox([], {}, n)
    for one in items:
        made.add(one)
    return made


def number_all(box: Outbox) -> list[Outgoing]:
    numbered = []
    while (waiting := box.next_waiting()) is not None:
        numbered.append(box.number(waiting, committed))
    return numbered


def send_all(box: Outbox) -> list[int]:
    """Number and send everything, in conversations that the server accepted already."""
    box._proven.update((ONE, TWO))
    number_all(box)
    ready = [one.n for one in box.sendable()]
    for n in ready:
        box.sent(n)
    return ready


def refusal(n: int, code: str, *, retry: bool = True, known: bool = False) -> Refused:
    return Refused(n, code, "", retry, known)


def receipt(n: int, mark: str) -> Receipt:
    return Receipt(n, mark, 5)  # type: ignore[arg-type]  # any mark, as the case says
