"""The one writer: applies batches of units, and knows or finds out what became of each."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from chatserver.store import sql
from chatserver.store.faults import Faults, Moment
from chatserver.store.port import Failure, Outcome, Unit
from chatserver.store.reserve import Reserve
from chatserver.store.sqlite_connection import Connection, DatabaseError, OutcomeUnknown, check_references, failure_of
from chatserver.store.transaction import Texts, Tip, Transaction

_ONE_UNITS_FAULT: Final = frozenset({Failure.GUARD, Failure.DATA})
_SURELY_NOT_APPLIED: Final = frozenset({Failure.BUSY, Failure.FULL})
"""SQLite says these before the frame that would commit is written whole."""

Way = Callable[[Transaction, Sequence[Unit]], list[Outcome]]


class Proof(NamedTuple):
    """How a batch is found again: the last entry of its shard, or, without events, a random mark on the shard."""

    tip: Tip
    mark: int | None = None
    mark_before: int | None = None


class Shard(NamedTuple):
    """The audit log that this writer appends to. sole: no other process appends to it, so its tip may be remembered."""

    id: bytes
    sole: bool


class Writer:
    """Blocks: lives on one thread, which owns every field.

    draw: random bytes. reserve: room for the day the disk is full; without one, each unit tries its luck.
    faults: failures for tests, none in production.
    """

    def __init__(
        self,
        connection: Connection,
        tenant: bytes,
        shard: Shard,
        draw: Callable[[int], bytes],
        *,
        reserve: Reserve | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._connection = connection
        self._shard = shard
        self._draw = draw
        self._reserve = reserve
        self._full = True
        """The reserve is not filled, so nothing is applied that needs room."""
        self._faults = faults
        self._texts = Texts(tenant)
        self._last_leaf = sql.for_sqlite(sql.LAST_LEAF, tenant)
        self._leaf_at = sql.for_sqlite(sql.LEAF_AT, tenant)
        self._mark_of = sql.for_sqlite(sql.MARK_OF, tenant)
        self._set_mark = sql.for_sqlite(sql.SET_MARK, tenant)
        self._tip: Tip | None = None
        """Where the shard ends; None when it must be read again."""

    def apply(self, units: Sequence[Unit]) -> list[Outcome]:
        """What became of each unit. All in one commit; if one of them fails on its own, the others without it."""
        if self._full and not self._has_room_again():
            return self._let_go(units)
        outcomes = self._try(units)
        if Failure.FULL in outcomes:
            self._make_room()
            return self._let_go(units)
        return outcomes

    def close(self) -> None:
        """Bring the log home and let go of the files."""
        try:
            self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        finally:
            self._connection.close()
            if self._reserve is not None:
                self._reserve.remove()

    def _try(self, units: Sequence[Unit]) -> list[Outcome]:
        ways = (_together, self._apart) if len(units) > 1 else (_together,)
        failure = Failure.LOST
        for way in ways:
            try:
                return self._commit(units, way)
            except Exception as error:  # noqa: BLE001 - every error has a meaning, and a caller waits to hear it
                failure = failure_of(error)
            if failure not in _ONE_UNITS_FAULT:
                break
        return [failure] * len(units)

    # -- a full disk: refuse what needs room, still apply what gives some back -------------------------------------

    def _let_go(self, units: Sequence[Unit]) -> list[Outcome]:
        freeing = [unit for unit in units if _frees(unit)]
        applied = iter(self._try(freeing) if freeing else ())
        return [next(applied) if _frees(unit) else Failure.FULL for unit in units]

    def _make_room(self) -> None:
        if self._reserve is None:
            return
        self._full = True
        with contextlib.suppress(OSError, DatabaseError):  # what is not given now is asked for again
            self._reserve.give()
            self._connection.execute("pragma wal_checkpoint(passive)").fetchall()

    def _has_room_again(self) -> bool:
        self._full = self._reserve is not None and not self._reserve.take()
        return not self._full

    # -- one transaction -----------------------------------------------------------------------------------------

    def _commit(self, units: Sequence[Unit], way: Way) -> list[Outcome]:
        if self._faults is not None:
            self._faults.count()
        self._begin(Moment.BEGINNING)
        try:
            before = self._tip or self._read_tip()
            transaction = Transaction(self._connection, self._texts, self._shard.id, before)
            outcomes = way(transaction, units)
            transaction.flush()
            check_references(self._connection)
            proof = self._proof(before, transaction.tip)
        except BaseException:
            self._roll_back()
            raise
        self._seal(proof)
        self._tip = proof.tip if self._shard.sole else None
        return outcomes

    def _begin(self, moment: Moment) -> None:
        self._strike(moment)
        self._connection.execute("begin immediate")

    def _roll_back(self) -> None:
        self._tip = None
        if self._connection.in_transaction:  # some errors end the transaction by themselves
            self._connection.execute("rollback")

    def _apart(self, transaction: Transaction, units: Sequence[Unit]) -> list[Outcome]:
        return [self._alone(transaction, unit) for unit in units]

    def _alone(self, transaction: Transaction, unit: Unit) -> Outcome:
        tip = transaction.tip
        outcome: Outcome
        self._connection.execute("savepoint unit")
        try:
            outcome = transaction.add(unit)
            transaction.flush()
            check_references(self._connection)
        except Exception as error:
            outcome = failure_of(error)
            if outcome not in _ONE_UNITS_FAULT:
                raise
            self._connection.execute("rollback to unit")
            transaction.forget(tip)
        self._connection.execute("release unit")
        return outcome

    def _strike(self, moment: Moment) -> None:
        if self._faults is not None:
            self._faults.strike(moment)

    # -- the end of a transaction --------------------------------------------------------------------------------

    def _proof(self, before: Tip, tip: Tip) -> Proof:
        if tip != before:
            return Proof(tip)
        mark = int.from_bytes(self._draw(7), "big")
        proof = Proof(tip, mark, self._read_mark())
        self._connection.execute(self._set_mark, (self._shard.id, mark))
        return proof

    def _seal(self, proof: Proof) -> None:
        try:
            self._strike(Moment.BEFORE)
            self._connection.execute("commit")
            self._strike(Moment.AFTER)
        except Exception as error:
            self._roll_back()
            if not self._stands_after(proof, failure_of(error)):
                raise

    def _stands_after(self, proof: Proof, failure: Failure) -> bool:
        """Find out whether a commit that failed was applied.

        A commit that could not be flushed may lie whole in the log, where nobody sees it, and come back after a power
        cut. A commit of our own on top of it makes the answer final.
        """
        try:
            if failure in _SURELY_NOT_APPLIED:
                self._strike(Moment.SETTLING)
                return self._stands(proof)
            self._begin(Moment.SETTLING)
            stands = self._stands(proof)
            self._proof(proof.tip, proof.tip)
            self._connection.execute("commit")
        except Exception as error:
            self._roll_back()
            raise OutcomeUnknown from error
        return stands

    def _stands(self, proof: Proof) -> bool:
        if proof.mark is None:
            leaves = self._connection.execute(self._leaf_at, (self._shard.id, proof.tip.number)).fetchall()
            return leaves == [(proof.tip.leaf,)]
        mark = self._read_mark()
        if mark not in (proof.mark, proof.mark_before):
            raise OutcomeUnknown  # another process has marked the shard since
        return mark == proof.mark

    def _read_tip(self) -> Tip:
        rows: list[Any] = self._connection.execute(self._last_leaf, (self._shard.id,)).fetchall()
        return Tip(*rows[0]) if rows else Tip()

    def _read_mark(self) -> int:
        rows: list[Any] = self._connection.execute(self._mark_of, (self._shard.id,)).fetchall()
        return int(rows[0][0])


def _together(transaction: Transaction, units: Iterable[Unit]) -> list[Outcome]:
    return [transaction.add(unit) for unit in units]


def _frees(unit: Unit) -> bool:
    """Whether the unit asks for no room but its event's."""
    return bool(unit.changes) and all(sql.CHANGES[type(change)].frees for change in unit.changes)
