"""The vectors hold, are complete, and are what their generator writes."""

import json
from collections.abc import Iterator

import pytest

from crypto.refusals import Reason
from crypto.vectors.case import Case, case
from crypto.vectors.generate import FILES, FOLDER, written
from crypto.vectors.run import OPERATIONS, run

pytestmark = pytest.mark.pure


def read(name: str) -> list[Case]:
    return list(json.loads((FOLDER / f"{name}.json").read_text())["cases"])


def every_case() -> Iterator[Case]:
    for name in FILES:
        yield from read(name)


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_case_gives_what_its_file_says(name: str) -> None:
    wrong = [one["name"] for one in read(name) if run(one["do"], one["in"]) != one["out"]]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_files_are_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == written(name)


def test_every_refusal_has_a_case() -> None:
    refused = {one["out"].get("refused") for one in every_case()}
    assert {reason.value for reason in Reason} - refused == set()


def test_every_operation_has_a_case() -> None:
    assert {one["do"] for one in every_case()} == set(OPERATIONS)


def test_names_are_unique_in_their_file() -> None:
    for name in FILES:
        names = [one["name"] for one in read(name)]
        assert len(names) == len(set(names))


def test_a_case_that_does_not_do_what_its_author_says_is_not_written() -> None:
    with pytest.raises(AssertionError):
        case("not refused", "body_hash", {"body": ""}, Reason.BAD_WIDTH)
