"""The HTTP side: the origin that a hello names, and what is never spoken to without TLS."""

import pytest

from sotto.api import origin_of, require_private
from sotto.errors import InsecureServer, Refused

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://chat.example.org", "https://chat.example.org"),
        ("https://Chat.Example.org:443/path?x=1", "https://chat.example.org"),
        ("chat.example.org", "https://chat.example.org"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_an_origin_is_what_a_browser_would_say(given: str, origin: str) -> None:
    assert origin_of(given) == origin


@pytest.mark.parametrize("given", ["", "ftp://example.org", "https://", "file:///etc"])
def test_what_is_no_server_has_no_origin(given: str) -> None:
    with pytest.raises(ValueError, match="not the address"):
        origin_of(given)


@pytest.mark.parametrize(
    "url", ["https://chat.example.org", "http://localhost:8080", "http://127.0.0.9", "http://[::1]"]
)
def test_tls_or_this_machine_is_private_enough(url: str) -> None:
    require_private(url, plain_http=False)


@pytest.mark.parametrize("url", ["http://chat.example.org", "http://10.0.0.1"])
def test_plain_http_to_another_machine_is_refused_unless_allowed(url: str) -> None:
    with pytest.raises(InsecureServer):
        require_private(url, plain_http=False)
    require_private(url, plain_http=True)


def test_a_refusal_knows_the_catalogue_and_repeats_nothing_else() -> None:
    assert Refused("too_fast").retry
    unknown = Refused("<script>canary</script>")
    assert (unknown.code, unknown.retry) == ("unknown", False)
    assert "canary" not in str(unknown)
