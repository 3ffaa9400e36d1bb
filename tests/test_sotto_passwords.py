import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.passwords import MIN_CHARS, Weakness, weakness

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("password", ["", "short", "fourteen chars", "å" * 14])
def test_fewer_than_15_characters_are_refused(password: str) -> None:
    assert weakness(password) is Weakness.TOO_SHORT


@pytest.mark.parametrize("password", ["a" * 40, "abcabcabcabcabcabc", "Xk9!Xk9!Xk9!Xk9!", "!!!!!!!!!!!!!!!!!!!!"])
def test_a_password_that_repeats_itself_is_refused(password: str) -> None:
    assert weakness(password) is Weakness.REPEATED


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "Password-1234567",
        "P4ssw0rd!P4ssw0rd",
        "qwertyuiopasdfgh",
        "1qaz2wsx3edc4rfv",
        "123456789qwerty",
        "iloveyou jessica 2024",
        "zyxwvutsrqponmlkj",
        "q1w2e3r4t5y6u7i8",
        "polniypizdec0211",
        "autobiographical",
    ],
)
def test_what_guessers_try_is_refused_however_it_is_dressed(password: str) -> None:
    assert weakness(password) in {Weakness.COMMON, Weakness.REPEATED}


@pytest.mark.parametrize("password", ["brookhaven-clinic", "Brookhaven Clinic 2024", "sotto-chat-sotto-2026"])
def test_own_names_count_for_nothing(password: str) -> None:
    assert weakness(password, ["Brookhaven Clinic"]) is Weakness.OWN_NAME


def test_the_same_words_are_fine_for_somebody_else() -> None:
    assert weakness("brookhaven-lymington", ["Brookhaven Lymington"]) is Weakness.OWN_NAME
    assert weakness("brookhaven-lymington", ["Maria"]) is None


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "thirteen velvet otters hum", "гнедой жираф читает вслух", "v7#kQz!m2Lw@e9Xp"],
)
def test_phrases_and_random_strings_of_any_script_pass(password: str) -> None:
    assert weakness(password, ["alice"]) is None


def test_long_passwords_are_judged_whole() -> None:
    padded = "password" + "1" * 190
    assert weakness(padded) is Weakness.COMMON
    assert weakness(padded + "thirteen velvet otters hum") is None


@given(st.text(min_size=0, max_size=MIN_CHARS - 1).filter(lambda text: text.isascii()))
def test_no_short_password_passes(password: str) -> None:
    assert weakness(password) is Weakness.TOO_SHORT


@given(st.text(string.ascii_letters + string.digits, min_size=24, max_size=24))
def test_blanks_and_case_change_nothing(password: str) -> None:
    assert weakness(password) == weakness(" ".join(password.swapcase()))
