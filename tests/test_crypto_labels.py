from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b as sodium_blake2b

from crypto.keys import DeviceKey, H, IdentityKey, Label, Reason, Refused, device_id, verify
from crypto.labels import require_box_key, require_signing_key
from crypto.signing import BoxKey
from crypto.vectors.values import relabelled
from crypto.vectors.world import ALICE, seed

pytestmark = pytest.mark.pure

KEYS: dict[Label, IdentityKey | DeviceKey] = dict.fromkeys(Label, ALICE.device_keys[0])
KEYS[Label.LIST] = ALICE.identity


@given(st.sampled_from(Label), st.sampled_from(Label), st.binary(max_size=300))
def test_a_signature_holds_under_its_own_label_alone(signed: Label, tried: Label, struct: bytes) -> None:
    key = KEYS[signed]
    signature = key.sign(relabelled(signed, struct))
    if tried is signed:
        verify(relabelled(tried, struct), signature, key.public)
        return
    with pytest.raises(Refused, match="bad_signature"):
        verify(relabelled(tried, struct), signature, key.public)


@settings(max_examples=50)
@given(st.integers(0, 8 * 64 - 1))
def test_every_flipped_bit_of_a_signature_is_refused(bit: int) -> None:
    statement = relabelled(Label.HELLO, b"struct")
    key = ALICE.device_keys[0]
    turned = bytearray(key.sign(statement))
    turned[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused, match="bad_signature"):
        verify(statement, bytes(turned), key.public)


def test_a_label_cannot_be_continued_into_the_struct() -> None:
    assert H("sotto/v1/set", b"abc") != H("sotto/v1/seta", b"bc")


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_the_hash_is_libsodiums_own_over_label_zero_and_parts(parts: list[bytes]) -> None:
    plain = b"sotto/v1/x\0" + b"".join(parts)
    assert H("sotto/v1/x", *parts) == sodium_blake2b(plain, 32, encoder=RawEncoder)


def test_a_device_id_is_the_hash_of_its_key() -> None:
    key = ALICE.device_keys[0]
    expected = blake2b(b"sotto/v1/device\0" + key.public, digest_size=16).digest()
    assert device_id(key.public) == expected == key.id


@given(st.binary(min_size=32, max_size=32))
def test_an_honest_key_is_never_weak(secret: bytes) -> None:
    assert require_signing_key(DeviceKey(secret).public) == DeviceKey(secret).public
    assert require_box_key(BoxKey(secret).public) == BoxKey(secret).public


def test_a_box_key_is_below_the_prime() -> None:
    prime = 2**255 - 19
    assert require_box_key((prime - 2).to_bytes(32, "little"))
    for second_spelling in (prime, prime + 9, 2**255 + 9):
        with pytest.raises(Refused) as caught:
            require_box_key(second_spelling.to_bytes(32, "little"))
        assert caught.value.reason is Reason.WEAK_KEY


def test_a_secret_never_shows_in_a_representation() -> None:
    secret = seed("secret")
    shown = repr(DeviceKey(secret)) + repr(IdentityKey(secret)) + repr(BoxKey(secret))
    assert shown == (
        f"DeviceKey(public={DeviceKey(secret).public.hex()})"
        f"IdentityKey(public={DeviceKey(secret).public.hex()})"
        f"BoxKey(public={BoxKey(secret).public.hex()})"
    )
    assert secret.hex() not in shown
