"""Three people with signed lists and keys, and their conversations, on a shelf."""

from chatserver.store import rows
from crypto.vectors import world
from crypto.vectors.world import Person
from tests.fakes.shelf import Shelf

ANN = world.person("ann", 2)
BEN = world.person("ben", 2)
CLEO = world.person("cleo", 1)
EVE = world.person("eve", 1)
PEOPLE = (ANN, BEN, CLEO, EVE)

ALL = world.id16("all three")
PAIR = world.id16("ann and ben")
FOREIGN = world.id16("cleo and eve")
TALKS = {ALL: (ANN, BEN, CLEO), PAIR: (ANN, BEN), FOREIGN: (CLEO, EVE)}

ACCOUNTS = {key.id: one.account for one in PEOPLE for key in one.device_keys}
LISTS = {one.account: rows.SignedList(one.account, 1, one.body.list_hash, one.signed) for one in PEOPLE}


def device(person: Person, index: int = 0) -> bytes:
    return person.device_keys[index].id


def bundle_row(person: Person, index: int = 0, key_no: int = 1, replaced_at: int | None = None) -> rows.Bundle:
    bundle = person.bundle(index, key_no)
    body = bundle.body
    return rows.Bundle(
        body.device_id, person.account, key_no, body.box_pk, bundle.encode(), body.created_ms, body.expires_ms,
        replaced_at,
    )  # fmt: skip


BUNDLES = {key.id: [bundle_row(one, at)] for one in PEOPLE for at, key in enumerate(one.device_keys)}


def member(scope: bytes, account: bytes, left_at: int | None = None) -> rows.Member:
    return rows.Member(scope, account, "patient", b"", 0, left_at, None)


def shelf() -> Shelf:
    """A fresh store with everybody in it."""
    return Shelf(
        devices=dict(ACCOUNTS),
        members={scope: {one.account: member(scope, one.account) for one in those} for scope, those in TALKS.items()},
        lists=dict(LISTS),
        bundles={device: list(those) for device, those in BUNDLES.items()},
    )


def others(scope: bytes, sender: bytes) -> list[bytes]:
    """The devices that a send must name while everybody is a member."""
    return [key.id for one in TALKS[scope] for key in one.device_keys if key.id != sender]
