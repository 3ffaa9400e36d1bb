"""docs/COMPLIANCE.md and docs/compliance.json agree, are complete, and claim nothing without a proof that exists."""

import json
import re
from collections import Counter
from typing import Any, Final

import pytest

from tests.documents import ROOT, headings, missing_tests, table, text_of

pytestmark = pytest.mark.pure

DOCUMENT: Final = "docs/COMPLIANCE.md"
TWIN: Final = "docs/compliance.json"
STATUSES: Final = ("done", "partly", "planned", "operator's")
NEED_PROOF: Final = {"done", "partly"}


def rows() -> list[dict[str, Any]]:
    """The rows of the machine-readable twin."""
    return list(json.loads(text_of(TWIN))["rows"])


def proofs(cell: str) -> list[str]:
    """The proofs in a cell: tests have no blanks, a heading of a document may."""
    return [proof.strip() for proof in re.split(r" (?=tests/|docs/)", cell) if proof != "-"]


def missing(proof: str) -> bool:
    """Whether a test, a document or a section of one does not exist."""
    if "::" in proof:
        return missing_tests([proof]) != []
    path, _, heading = proof.partition("#")
    return not (ROOT / path).is_file() or bool(heading and heading not in headings(path))


def test_all_67_rows_stand_there_in_their_order() -> None:
    assert [row["id"] for row in rows()] == [f"R{number}" for number in range(1, 68)]


def test_both_files_say_the_same() -> None:
    told = [
        {"id": row["id"], "who": row["who"], "status": row["status"], "proofs": proofs(row["proof"])}
        for row in table(DOCUMENT, "1. R1 to R67")
    ]
    assert told == rows()


def test_every_status_is_one_of_four_and_every_row_says_whose_it_is() -> None:
    assert {row["status"] for row in rows()} <= set(STATUSES)
    assert {part for row in rows() for part in row["who"].split("+")} == {"Srv", "Cli", "Op"}


def test_nothing_is_done_or_partly_done_without_a_proof() -> None:
    assert [row["id"] for row in rows() if row["status"] in NEED_PROOF and not row["proofs"]] == []


def test_whatever_is_not_done_says_what_is_missing() -> None:
    unsaid = [
        row["id"] for row in table(DOCUMENT, "1. R1 to R67") if (row["missing"] == "-") != (row["status"] == "done")
    ]
    assert unsaid == []


def test_every_proof_exists() -> None:
    named = [proof for row in rows() for proof in row["proofs"]]
    assert named
    assert [proof for proof in named if missing(proof)] == []


def test_a_document_that_proves_something_names_its_owner() -> None:
    documents = {proof.partition("#")[0] for row in rows() for proof in row["proofs"] if "::" not in proof}
    assert [path for path in documents if path.endswith(".md") and "Owner: " not in text_of(path)] == []


def test_every_id_of_a_standard_has_a_proof_that_exists() -> None:
    found = table(DOCUMENT, "2. ASVS 5.0 and HIPAA ids that a test holds")
    assert [row["id"] for row in found if not proofs(row["proof"])] == []
    assert [proof for row in found for proof in proofs(row["proof"]) if missing(proof)] == []


def test_the_summary_counts_the_rows() -> None:
    count = Counter(row["status"] for row in rows())
    done, partly, planned, operators = (count[status] for status in STATUSES)
    summary = f"Of 67 rows {done} are done, {partly} partly, {planned} planned, {operators} the operator's."
    assert summary in text_of(DOCUMENT)


@pytest.mark.parametrize(
    "proof", ["tests/test_house.py::test_nothing", "tests/none.py::test_x", "docs/none.md", f"{TWIN}#x"]
)
def test_a_proof_that_does_not_exist_is_noticed(proof: str) -> None:
    assert missing(proof)
