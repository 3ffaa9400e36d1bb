"""What the browser believes about the wire is what the server says."""

import pytest

from tests import web_wire

pytestmark = pytest.mark.pure


def test_the_browsers_types_of_the_wire_are_those_of_the_server() -> None:
    assert web_wire.PATH.read_text(encoding="utf-8") == web_wire.render(), "run: python -m tests.web_wire"
