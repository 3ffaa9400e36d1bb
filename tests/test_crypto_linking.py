from hashlib import sha256
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import DeviceKey, H
from crypto.linking import link_qr_bytes, link_words, parse_link_qr, word_list, words_match

pytestmark = pytest.mark.pure

keys = st.binary(min_size=32, max_size=32).map(lambda seed: DeviceKey(seed).public)


def test_the_list_is_the_published_one() -> None:
    raw = files("crypto").joinpath("words.txt").read_bytes()
    assert sha256(raw).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert len(word_list()) == len(set(word_list())) == 2_048
    assert list(word_list()) == sorted(word_list())


@given(keys)
def test_the_words_spell_the_first_88_bits_of_the_hash(device_pk: bytes) -> None:
    bits = "".join(f"{word_list().index(word):011b}" for word in link_words(device_pk))
    assert bits == f"{int.from_bytes(H('sotto/v1/link', device_pk)[:11], 'big'):088b}"


@given(keys, keys)
def test_words_are_of_one_key_alone(one: bytes, other: bytes) -> None:
    assert words_match("  ".join(link_words(one)).title(), one)
    assert words_match(" ".join(link_words(other)), one) == (one == other)


@given(keys)
def test_a_code_names_the_key_that_made_it(device_pk: bytes) -> None:
    assert parse_link_qr(link_qr_bytes(device_pk)) == device_pk
