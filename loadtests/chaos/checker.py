"""Holds a history against the promises of DESIGN section 3. Each broken promise is a violation with a witness."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from loadtests.chaos.history import Operation

PROMISES = ("lost", "early", "phantom", "duplicate", "order", "event", "event_without_send", "left_over", "undelivered")


class Violation(NamedTuple):
    """A promise that broke, and where."""

    promise: str
    witness: str


Message = tuple[str, int]
"""(sender device, n): a message is this."""


class Checker:
    """Built from one whole history; `violations` are empty for a server that kept its word."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._sent: dict[Message, Operation] = {}
        self._safe: set[Message] = set()
        self._delivered: set[Message] = set()
        self._shown: dict[str, list[Operation]] = defaultdict(list)  # by recipient device
        self._events: Counter[Message] = Counter()
        self._rows: list[Operation] = []
        self._early: list[Message] = []
        for operation in operations:
            self._take(operation)

    def _take(self, operation: Operation) -> None:
        op = operation["op"]
        if op == "row":
            self._rows.append(operation)
        elif op == "shown":
            self._shown[operation["to"]].append(operation)
        elif op != "fault":
            self._take_send(op, (operation["sender"], operation["n"]), operation)

    def _take_send(self, op: str, message: Message, operation: Operation) -> None:
        if op == "send":
            self._sent[message] = operation
        elif op == "safe":
            self._safe.add(message)
        elif op == "delivered":
            self._delivered.add(message)
        elif op == "event":
            self._events[message] += 1
        elif op == "early":
            self._early.append(message)

    def violations(self) -> list[Violation]:
        """Every promise that broke."""
        return [*self._lost(), *self._seen_wrongly(), *self._order(), *self._audit(), *self._at_rest()]

    def counts(self) -> dict[str, int]:
        """How many messages were sent, receipted and shown: a run of nothing proves nothing."""
        shown = sum(len(operations) for operations in self._shown.values())
        return {"sent": len(self._sent), "safe": len(self._safe | self._delivered), "shown": shown}

    def _lost(self) -> Iterator[Violation]:
        seen = {(to, (op["sender"], op["n"])) for to, ops in self._shown.items() for op in ops}
        for message in self._early:
            yield Violation("early", f"{message} was receipted, and the store of the dead server does not know it")
        for message in self._safe | self._delivered:
            for device in self._sent[message]["to"] if message in self._sent else ():
                if (device, message) not in seen:
                    yield Violation("lost", f"{message} was receipted and {device} never showed it")

    def _seen_wrongly(self) -> Iterator[Violation]:
        for device, operations in self._shown.items():
            times: Counter[Message] = Counter()
            for op in operations:
                message = (op["sender"], op["n"])
                times[message] += 1
                sent = self._sent.get(message)
                if sent is None or sent["c"] != op["c"] or device not in sent["to"]:
                    yield Violation("phantom", f"{device} showed {message}, which was not sent to it like that")
            yield from (
                Violation("duplicate", f"{device} showed {message} {count} times")
                for message, count in times.items()
                if count > 1
            )

    def _order(self) -> Iterator[Violation]:
        for device, operations in self._shown.items():
            last: dict[tuple[str, str], int] = {}
            for op in operations:
                place = (op["sender"], op["scope"])
                if op["n"] <= last.get(place, 0):
                    yield Violation("order", f"{device} showed {op['n']} of {op['sender']} after {last[place]}")
                last[place] = max(op["n"], last.get(place, 0))

    def _audit(self) -> Iterator[Violation]:
        for message in self._safe | self._delivered:
            if self._events[message] != 1:
                yield Violation("event", f"{message} was receipted and has {self._events[message]} events")
        for message in self._events.keys() - self._sent.keys():
            yield Violation("event_without_send", f"an event tells of {message}, which nobody sent")

    def _at_rest(self) -> Iterator[Violation]:
        for row in self._rows:
            yield Violation("left_over", f"a box of {row['sender']} {row['n']} still waits for {row['to']}")
        for message in self._sent.keys() - self._delivered:
            yield Violation("undelivered", f"{message} never came to an end")
