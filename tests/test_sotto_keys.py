"""The box key clock (CRYPTO section 2): when a key is made, how long its secret lives."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.clock import DAY_MS, HOUR_MS, MINUTE_MS
from crypto.fields import ZERO_HASH
from crypto.keys import Device, DeviceKey, DeviceList, IdentityKey, verify_bundle_in
from sotto.keys import KeyRing
from sotto.state.records import BoxSecret

pytestmark = pytest.mark.pure

T0 = 1_800_000_000_000
DEVICE = DeviceKey(b"\x01" * 32)
IDENTITY = IdentityKey(b"\x02" * 32)
OWN = DeviceList(b"t" * 16, b"a" * 16, 1, ZERO_HASH, IDENTITY.public, T0, False, (Device(DEVICE.public, True, T0),))


class Draw:
    """Random bytes that never repeat and are the same in each run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return blake2b(self.count.to_bytes(8, "big"), digest_size=size).digest()


def ring(*secrets: BoxSecret) -> KeyRing:
    return KeyRing(secrets)


def publish(keys: KeyRing, now_ms: int, draw: Draw) -> BoxSecret:
    made = keys.make(now_ms, DEVICE, OWN, draw)
    keys.published(made.key_no, now_ms)
    return made


def test_a_device_without_a_key_must_make_one_first() -> None:
    assert ring().due(T0, 1)
    with pytest.raises(LookupError):
        ring().sender(OWN)


def test_a_made_key_is_signed_under_the_own_list() -> None:
    made = ring().make(T0, DEVICE, OWN, Draw())
    body = verify_bundle_in(made.bundle, OWN).body
    assert (body.key_no, body.created_ms, body.expires_ms) == (1, T0, T0 + 30 * DAY_MS)


def test_an_unpublished_key_does_not_send() -> None:
    keys = ring()
    keys.make(T0, DEVICE, OWN, Draw())
    assert keys.newest is None
    assert keys.due(T0, 1)


@pytest.mark.parametrize(("age_ms", "due"), [(0, False), (24 * HOUR_MS - 1, False), (24 * HOUR_MS, True)])
def test_a_new_key_is_due_after_24_hours(age_ms: int, due: bool) -> None:
    keys = ring()
    publish(keys, T0, Draw())
    assert keys.due(T0 + age_ms, 1) is due


def test_a_new_key_is_due_after_a_list_change() -> None:
    keys = ring()
    publish(keys, T0, Draw())
    assert keys.due(T0, 2)


@pytest.mark.parametrize(("minutes", "held"), [(14, True), (15, False)])
def test_a_replaced_secret_goes_at_the_first_current_15_minutes_later(minutes: int, held: bool) -> None:
    keys, draw = ring(), Draw()
    publish(keys, T0, draw)
    publish(keys, T0 + DAY_MS, draw)
    keys.current(T0 + DAY_MS + minutes * MINUTE_MS)
    assert (keys.held(1) is not None) is held
    assert keys.held(2) is not None


def test_without_a_current_a_replaced_secret_stays() -> None:
    keys, draw = ring(), Draw()
    publish(keys, T0, draw)
    publish(keys, T0 + DAY_MS, draw)
    keys.tick(T0 + 60 * DAY_MS)
    assert keys.held(1) is not None


def test_every_secret_goes_after_61_days_and_numbers_go_on() -> None:
    keys, draw = ring(), Draw()
    publish(keys, T0, draw)
    keys.tick(T0 + 61 * DAY_MS)
    assert keys.held(1) is None
    assert publish(keys, T0 + 61 * DAY_MS, draw).key_no == 2


def test_destroyed_secrets_are_named_for_the_disk() -> None:
    keys, draw = ring(), Draw()
    publish(keys, T0, draw)
    publish(keys, T0 + DAY_MS, draw)
    keys.take_changes()
    keys.current(T0 + 2 * DAY_MS)
    assert keys.take_changes() == {1: None}


def test_a_publication_without_an_answer_is_repeated_and_then_given_up() -> None:
    keys, draw = ring(), Draw()
    made = keys.make(T0, DEVICE, OWN, draw)
    assert keys.pending(T0 + MINUTE_MS, 1) == made
    assert keys.pending(T0 + 5 * MINUTE_MS, 1) is None
    keys.give_up()
    assert keys.pending(T0, 1) is None
    assert keys.make(T0, DEVICE, OWN, draw).key_no == 2


def test_a_welcome_tells_of_a_publication_whose_answer_was_lost() -> None:
    keys, draw = ring(), Draw()
    keys.make(T0, DEVICE, OWN, draw)
    keys.shown(1, T0)
    assert keys.newest is not None
    assert not keys.due(T0, 1)


def test_a_restored_store_makes_a_new_key_due() -> None:
    keys, draw = ring(), Draw()
    publish(keys, T0, draw)
    publish(keys, T0 + HOUR_MS, draw)
    keys.shown(1, T0 + HOUR_MS)
    assert keys.due(T0 + HOUR_MS, 1)
    assert publish(keys, T0 + HOUR_MS, draw).key_no == 3


def test_a_key_number_never_made_here_is_seen() -> None:
    keys = ring()
    publish(keys, T0, Draw())
    assert not keys.unknown(1)
    assert keys.unknown(2)


@given(st.lists(st.sampled_from(["day", "current", "tick", "publish"]), max_size=60))
def test_the_newest_key_is_always_held_and_no_secret_outlives_61_days(steps: list[str]) -> None:
    keys, draw, now = ring(), Draw(), T0
    publish(keys, now, draw)
    for step in steps:
        now += DAY_MS if step == "day" else HOUR_MS
        if step == "publish" or keys.due(now, 1):
            publish(keys, now, draw)
        if step == "current":
            keys.current(now)
        keys.tick(now)
        newest = keys.newest
        assert newest is not None
        assert keys.held(newest.key_no) is not None
        assert keys.sender(OWN).bundle.body.key_no == newest.key_no
        held = [one for one in keys._secrets.values() if one.secret]
        assert all(now < one.created_ms + 61 * DAY_MS for one in held)
