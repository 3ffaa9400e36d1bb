"""Cases for device lists, bundles and their pins."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crypto.clock import CALL_LIFE_MS, DATED_SLACK_MS, MAIL_LIFE_MS
from crypto.keys import (
    ZERO_HASH,
    Bundle,
    DeviceKey,
    DeviceList,
    IdentityKey,
    Label,
    Reason,
    Use,
    sign_bundle,
    sign_list,
)
from crypto.labels import labelled
from crypto.vectors.case import Case, case, flipped, with_bytes
from crypto.vectors.values import relabelled
from crypto.vectors.world import (
    ALICE,
    BOB,
    CALL,
    KEY_MADE_MS,
    MALLORY,
    NOW_MS,
    TENANT,
    id16,
    listed,
    next_list,
    seed,
)

AFTER = IdentityKey(seed("alice/identity/after"))
DEVICES_AT = 111  # where the devices of a list begin
DEVICE_WIDTH = 41


def list_cases() -> Iterator[Case]:
    """Making, checking, chaining and pinning lists."""
    yield from _made_lists()
    yield from _first_lists()
    yield from _misshapen_lists()
    yield from _next_lists()
    yield from _pinned_lists()


def _made_lists() -> Iterator[Case]:
    rows = [[device.device_pk.hex(), device.may_add, device.added_ms] for device in ALICE.body.devices]
    given = {
        "tenant": TENANT.hex(),
        "account": ALICE.account.hex(),
        "version": 1,
        "prev_hash": ZERO_HASH.hex(),
        "identity_seed": seed("alice/identity").hex(),
        "issued_ms": NOW_MS - 7_200_000,
        "reset": False,
        "devices": rows,
        "old_identity_seed": None,
    }
    yield case("a first list", "sign_list", given)
    later = {**given, "version": 2, "prev_hash": ALICE.body.list_hash.hex()}
    yield case("a second list", "sign_list", later)
    changed = {**later, "identity_seed": seed("alice/identity/after").hex()}
    both = {**changed, "old_identity_seed": given["identity_seed"]}
    yield case("a new identity, signed by both", "sign_list", both)
    yield case("a reset", "sign_list", {**changed, "reset": True})
    for name, change, reason in (
        ("no device", {"devices": []}, Reason.DEVICE_COUNT),
        ("unsorted", {"devices": rows[::-1]}, Reason.UNSORTED),
        ("one device twice", {"devices": [rows[0], rows[0]]}, Reason.UNSORTED),
        ("a low-order device", {"devices": [["00" * 32, True, 1]]}, Reason.WEAK_KEY),
        ("version 0", {"version": 0}, Reason.NUMBER_RANGE),
        ("version 2^32", {"version": 2**32, "prev_hash": "11" * 32}, Reason.NUMBER_RANGE),
        ("a time of 2^53", {"issued_ms": 2**53}, Reason.NUMBER_RANGE),
        ("version 1 that follows something", {"prev_hash": "11" * 32}, Reason.BROKEN_CHAIN),
        ("version 2 that follows nothing", {"version": 2}, Reason.BROKEN_CHAIN),
        ("a reset of nothing", {"reset": True}, Reason.EMPTY_RESET),
        ("a tenant of 15 bytes", {"tenant": "00" * 15}, Reason.BAD_WIDTH),
    ):
        yield case(f"making: {name}", "sign_list", {**given, **change}, reason)
    yield case("the latest time", "sign_list", {**given, "issued_ms": 2**53 - 1})


def _checked(raw: bytes, previous: bytes | None = None) -> dict[str, Any]:
    before = None if previous is None else previous.hex()
    return {"list": raw.hex(), "tenant": TENANT.hex(), "account": ALICE.account.hex(), "previous": before}


def _signed_raw(body: bytes) -> bytes:
    """A body that no `DeviceList` would hold, under a good signature of Alice's."""
    return body + ALICE.identity.sign(relabelled(Label.LIST, body))


def _first_lists() -> Iterator[Case]:
    raw = ALICE.signed
    yield case("first list", "verify_list", _checked(raw))
    six = replace(ALICE.body, devices=listed(DeviceKey(seed(f"six/{at}")) for at in range(6)))
    yield case("six devices", "verify_list", _checked(sign_list(six, ALICE.identity)))
    for name, given, reason in (
        ("another account", {**_checked(raw), "account": BOB.account.hex()}, Reason.WRONG_ACCOUNT),
        ("another tenant", {**_checked(raw), "tenant": id16("other").hex()}, Reason.WRONG_ACCOUNT),
        ("an account of 15 bytes", {**_checked(raw), "account": "00" * 15}, Reason.BAD_WIDTH),
        ("a flipped bit", _checked(flipped(raw, 8 * 5)), Reason.BAD_SIGNATURE),
        ("another time", _checked(flipped(raw, 8 * 108)), Reason.BAD_SIGNATURE),
        ("a flipped bit of the signature", _checked(flipped(raw, 8 * len(raw) - 300)), Reason.BAD_SIGNATURE),
        ("an old signature on a first list", _checked(raw + raw[-64:]), Reason.EXTRA_SIGNATURE),
        ("a byte too many", _checked(raw + b"\0"), Reason.BAD_LENGTH),
        ("a byte too few", _checked(raw[:-1]), Reason.BAD_LENGTH),
        ("nothing", _checked(b""), Reason.BAD_LENGTH),
    ):
        yield case(f"first list: {name}", "verify_list", given, reason)
    second = sign_list(next_list(ALICE), ALICE.identity)
    yield case("a second list where none was before", "verify_list", _checked(second), Reason.BROKEN_CHAIN)


def _misshapen_lists() -> Iterator[Case]:
    body = ALICE.body.encode()
    head, first, second = body[:DEVICES_AT], body[DEVICES_AT:-DEVICE_WIDTH], body[-DEVICE_WIDTH:]
    seven = b"".join(device.encode() for device in listed(DeviceKey(seed(f"seven/{at}")) for at in range(7)))
    for name, changed, reason in (
        ("version byte 2", with_bytes(body, 0, b"\2"), Reason.BAD_VERSION),
        ("list version 0", with_bytes(body, 33, bytes(4)), Reason.NUMBER_RANGE),
        ("flag bit 1", with_bytes(body, 109, b"\2"), Reason.BAD_FLAGS),
        ("device flag bit 1", with_bytes(body, DEVICES_AT + 32, b"\2"), Reason.BAD_FLAGS),
        ("a reset of nothing", with_bytes(body, 109, b"\1"), Reason.EMPTY_RESET),
        ("no device", with_bytes(head, 110, b"\0"), Reason.DEVICE_COUNT),
        ("seven devices", with_bytes(head, 110, b"\7") + seven, Reason.DEVICE_COUNT),
        ("unsorted", head + second + first, Reason.UNSORTED),
        ("one device twice", head + first + first, Reason.UNSORTED),
        ("a time of 2^53", with_bytes(body, 101, (2**53).to_bytes(8, "big")), Reason.NUMBER_RANGE),
        ("a low-order identity", with_bytes(body, 69, bytes(32)), Reason.WEAK_KEY),
        ("a low-order device", with_bytes(body, DEVICES_AT, bytes(32)), Reason.WEAK_KEY),
    ):
        yield case(f"well signed: {name}", "verify_list", _checked(_signed_raw(changed)), reason)


def _next_lists() -> Iterator[Case]:
    before = ALICE.signed
    after = next_list(ALICE)
    changed = next_list(ALICE, identity_pk=AFTER.public)
    reset = replace(changed, reset=True)

    def by_old(body: DeviceList) -> bytes:
        return sign_list(body, AFTER, ALICE.identity)

    for name, raw in (
        ("second list", sign_list(after, ALICE.identity)),
        ("a new identity with the old one's word", by_old(changed)),
        ("a reset to a new identity", sign_list(reset, AFTER)),
    ):
        yield case(name, "verify_list", _checked(raw, before))
    alien = sign_list(changed, AFTER, MALLORY.identity)
    other = next_list(ALICE, account=BOB.account)
    as_bob = {**_checked(sign_list(other, ALICE.identity), before), "account": BOB.account.hex()}
    again = replace(after, reset=True)
    doubled = sign_list(after, ALICE.identity, ALICE.identity)
    for name, given, reason in (
        ("a new identity alone", _checked(sign_list(changed, AFTER), before), Reason.IDENTITY_CHANGED),
        ("a new identity with a stranger's word", _checked(alien, before), Reason.BAD_SIGNATURE),
        ("a reset to the same identity", _checked(sign_list(again, ALICE.identity), before), Reason.EMPTY_RESET),
        ("a reset with the old one's word", _checked(by_old(reset), before), Reason.EXTRA_SIGNATURE),
        ("the same identity twice", _checked(doubled, before), Reason.EXTRA_SIGNATURE),
        ("the same version again", _checked(before, before), Reason.BROKEN_CHAIN),
        ("the list of another account", as_bob, Reason.WRONG_ACCOUNT),
    ):
        yield case(f"second list: {name}", "verify_list", given, reason)
    for name, change in (("a version left out", {"version": 3}), ("another past", {"prev_hash": seed("past")})):
        raw = sign_list(next_list(ALICE, **change), ALICE.identity)
        yield case(f"second list: {name}", "verify_list", _checked(raw, before), Reason.BROKEN_CHAIN)


def _pinned_lists() -> Iterator[Case]:
    first, second = ALICE.body, next_list(ALICE)
    fork = replace(first, issued_ms=first.issued_ms + 1)
    for name, pin, seen, reason in (
        ("the pinned list", first, first, None),
        ("a newer list", first, second, None),
        ("an older list", second, first, Reason.ROLLBACK),
        ("the pinned version with another hash", first, fork, Reason.LIST_FORK),
    ):
        raw = sign_list(seen, ALICE.identity).hex()
        given = {"version": pin.version, "list_hash": pin.list_hash.hex(), "list": raw}
        yield case(f"pin: {name}", "pin_list", given, reason)


def bundle_cases() -> Iterator[Case]:
    """Checking bundles under a list, and their clocks."""
    yield from _good_bundles()
    yield from _misshapen_bundles()
    yield from _foreign_bundles()
    yield from _clock_cases()


def _in_list(raw: bytes) -> dict[str, Any]:
    return {"bundle": raw.hex(), "list": ALICE.signed.hex()}


def _good_bundles() -> Iterator[Case]:
    body = ALICE.bundle_body()
    call = replace(body, use=Use.CALL, scope=CALL, expires_ms=KEY_MADE_MS + CALL_LIFE_MS)
    brief = replace(body, expires_ms=KEY_MADE_MS + 1)
    logged = replace(body, log_size=7, log_root=seed("root"))
    for name, one in (
        ("a mail key", body),
        ("a call key", call),
        ("of a moment", brief),
        ("with a checkpoint", logged),
    ):
        yield case(name, "verify_bundle", _in_list(sign_bundle(one, ALICE.device_keys[0], ALICE.body).encode()))
    yield case("the second device's key", "verify_bundle", _in_list(ALICE.bundle(1).encode()))


def _misshapen_bundles() -> Iterator[Case]:
    body = ALICE.bundle_body().encode()
    call = with_bytes(with_bytes(body, 2, b"\1"), 3, CALL)
    over_mail = (KEY_MADE_MS + MAIL_LIFE_MS + 1).to_bytes(8, "big")
    over_call = (KEY_MADE_MS + CALL_LIFE_MS + 1).to_bytes(8, "big")
    for name, changed, reason in (
        ("version 2", with_bytes(body, 0, b"\2"), Reason.BAD_VERSION),
        ("suite 2", with_bytes(body, 1, b"\2"), Reason.BAD_SUITE),
        ("use 2", with_bytes(body, 2, b"\2"), Reason.BAD_USE),
        ("mail with a scope", with_bytes(body, 3, CALL), Reason.BAD_USE),
        ("a call without a scope", with_bytes(body, 2, b"\1"), Reason.BAD_USE),
        ("key_no 0", with_bytes(body, 35, bytes(4)), Reason.NUMBER_RANGE),
        ("list_version 0", with_bytes(body, 87, bytes(4)), Reason.NUMBER_RANGE),
        ("log_size 2^53", with_bytes(body, 91, (2**53).to_bytes(8, "big")), Reason.NUMBER_RANGE),
        ("no life", with_bytes(body, 47, KEY_MADE_MS.to_bytes(8, "big")), Reason.BAD_LIFETIME),
        ("mail of over 30 days", with_bytes(body, 47, over_mail), Reason.BAD_LIFETIME),
        ("a call of over 24 hours", with_bytes(call, 47, over_call), Reason.BAD_LIFETIME),
        ("an all-zero box key", with_bytes(body, 55, bytes(32)), Reason.WEAK_KEY),
        ("a box key with its top bit set", flipped(body, 8 * 86 + 7), Reason.WEAK_KEY),
    ):
        raw = changed + ALICE.device_keys[0].sign(relabelled(Label.KEY, _owner() + changed))
        yield case(f"well signed: {name}", "verify_bundle", _in_list(raw), reason)
    good = ALICE.bundle().encode()
    for name, raw in (("194 bytes", good[:-1]), ("196 bytes", good + b"\0"), ("nothing", b"")):
        yield case(name, "verify_bundle", _in_list(raw), Reason.BAD_LENGTH)


def _owner() -> bytes:
    return TENANT + ALICE.account + ALICE.body.list_hash


def _foreign_bundles() -> Iterator[Case]:
    body, device = ALICE.bundle_body(), ALICE.device_keys[0]
    others = replace(ALICE.body, account=BOB.account)
    moved = sign_bundle(body, device, others)
    tenants = sign_bundle(body, device, replace(ALICE.body, tenant=id16("other")))
    hashed = sign_bundle(body, device, replace(ALICE.body, issued_ms=1))
    second = next_list(ALICE)
    newer = sign_bundle(replace(body, list_version=2), device, second)
    by_second = Bundle(body, ALICE.bundle(1).signature)
    bare = body.encode() + device.sign(relabelled(Label.KEY, labelled("", body.encode())))
    for name, raw, reason in (
        ("of another account", moved.encode(), Reason.BAD_SIGNATURE),
        ("of another tenant", tenants.encode(), Reason.BAD_SIGNATURE),
        ("under another list hash", hashed.encode(), Reason.BAD_SIGNATURE),
        ("under a newer list", newer.encode(), Reason.WRONG_LIST),
        ("of a device that is not in the list", MALLORY.bundle().encode(), Reason.WRONG_DEVICE),
        ("signed by the account's other device", by_second.encode(), Reason.BAD_SIGNATURE),
        ("signed without its owner", bare, Reason.BAD_SIGNATURE),
        ("another creation time", flipped(ALICE.bundle().encode(), 8 * 46), Reason.BAD_SIGNATURE),
    ):
        yield case(f"a bundle {name}", "verify_bundle", _in_list(raw), reason)


def _clock_cases() -> Iterator[Case]:
    raw, expires_ms = ALICE.bundle().encode().hex(), KEY_MADE_MS + MAIL_LIFE_MS
    yield case("usable until it expires", "usable", {"bundle": raw, "now_ms": expires_ms - 1})
    yield case("expired", "usable", {"bundle": raw, "now_ms": expires_ms}, Reason.KEY_EXPIRED)
    for name, sign in (("ahead", 1), ("behind", -1)):
        edge_ms = NOW_MS + sign * DATED_SLACK_MS
        yield case(f"five minutes {name}", "dated", {"made_ms": edge_ms, "now_ms": NOW_MS})
        given = {"made_ms": edge_ms + sign, "now_ms": NOW_MS}
        yield case(f"more than five minutes {name}", "dated", given, Reason.DATED_OFF)
