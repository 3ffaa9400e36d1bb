import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.transports.places import CountedPlaces
from chatserver.wire.addresses import whose

pytestmark = pytest.mark.pure


def test_one_address_cannot_take_every_place() -> None:
    places = CountedPlaces(per_address=2, total=3)
    assert [places.take("192.0.2.1") for _time in range(3)] == [True, True, False]
    assert places.take("192.0.2.2")


def test_a_full_house_takes_nobody_until_one_leaves() -> None:
    places = CountedPlaces(per_address=2, total=2)
    assert places.take("192.0.2.1")
    assert places.take("192.0.2.2")
    assert not places.take("192.0.2.3")
    places.give_back("192.0.2.1")
    assert places.take("192.0.2.3")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ],
)
def test_a_customer_is_an_ipv4_address_or_an_ipv6_site(one: str, other: str, same: bool) -> None:
    assert (whose(one) == whose(other)) is same


@given(st.lists(st.tuples(st.booleans(), st.ip_addresses(v=4, network="192.0.2.0/29").map(str))))
def test_counts_return_to_nothing(steps: list[tuple[bool, str]]) -> None:
    places = CountedPlaces(per_address=3, total=5)
    taken: list[str] = []
    for leaves, address in steps:
        if leaves and address in taken:
            places.give_back(address)
            taken.remove(address)
        elif places.take(address):
            taken.append(address)
        assert len(places) == len(taken) <= 5
        assert all(taken.count(who) <= 3 for who in taken)
    for address in taken:
        places.give_back(address)
    assert (len(places), dict(places._taken)) == (0, {})
