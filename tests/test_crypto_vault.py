import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from crypto.refusals import Refused
from crypto.vault import derive, open_record, seal_record, unwrap_vault_key, wrap_vault_key
from crypto.vectors.case import flipped
from crypto.vectors.world import ALICE, BOB, TENANT, id16, repeatable, seed

pytestmark = pytest.mark.pure

V, WRAP = seed("vault key"), seed("wrap")
names = st.text(st.characters(codec="utf-8"), max_size=20)


def test_the_halves_are_libsodiums_argon2id_of_64_bytes() -> None:
    salt = id16("salt")
    whole = argon2id.kdf(64, b"a long password", salt, opslimit=3, memlimit=64 * 1024 * 1024)
    derived = derive("a long password", salt)
    assert (derived.login, derived.wrap) == (whole[:32], whole[32:])
    assert repr(derived) == "Derived()"


@given(names, st.binary(max_size=40), st.binary(max_size=300))
def test_a_record_opens_in_its_place(store: str, key: bytes, plaintext: bytes) -> None:
    record = seal_record(V, store, key, plaintext)
    assert len(record) == len(plaintext) + 41
    assert open_record(V, store, key, record) == plaintext


@settings(max_examples=50)
@given(names, st.binary(max_size=8), names, st.binary(max_size=8))
def test_a_record_opens_in_no_other_place(store: str, key: bytes, other: str, other_key: bytes) -> None:
    record = seal_record(V, store, key, b"kept")
    if (store, key) == (other, other_key):
        assert open_record(V, other, other_key, record) == b"kept"
        return
    with pytest.raises(Refused, match="record_broken"):
        open_record(V, other, other_key, record)


def test_every_flipped_bit_of_a_record_is_refused() -> None:
    record = seal_record(V, "messages", b"1", b"kept", random=repeatable("record"))
    for bit in range(8 * len(record)):
        with pytest.raises(Refused):
            open_record(V, "messages", b"1", flipped(record, bit))


def test_every_flipped_bit_of_a_wrapped_key_is_refused() -> None:
    wrapped = wrap_vault_key(V, WRAP, TENANT, ALICE.account, random=repeatable("wrap"))
    assert len(wrapped) == 73
    for bit in range(8 * len(wrapped)):
        with pytest.raises(Refused):
            unwrap_vault_key(flipped(wrapped, bit), WRAP, TENANT, ALICE.account)


def test_a_wrapped_key_belongs_to_its_account() -> None:
    wrapped = wrap_vault_key(V, WRAP, TENANT, ALICE.account)
    assert unwrap_vault_key(wrapped, WRAP, TENANT, ALICE.account) == V
    for tenant, account in ((id16("o"), ALICE.account), (TENANT, BOB.account)):
        with pytest.raises(Refused, match="vault_locked"):
            unwrap_vault_key(wrapped, WRAP, tenant, account)


def test_two_records_never_share_a_nonce() -> None:
    assert len({seal_record(V, "messages", b"1", b"kept")[1:25] for _ in range(50)}) == 50
