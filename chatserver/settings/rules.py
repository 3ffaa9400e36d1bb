"""What a start refuses although each value by itself is well formed. One function a rule, one sentence a fault."""

import shlex
import ssl
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from chatserver.settings.keyring import open_to_others
from chatserver.settings.model import Profile, Settings, is_loopback

Rule = Callable[[Settings], Iterator[str]]


def tls_pair(settings: Settings) -> Iterator[str]:
    """A certificate and its key come together and must load."""
    cert, key = settings.tls_cert_file, settings.tls_key_file
    if (cert is None) != (key is None):
        yield "tls_cert_file and tls_key_file belong together: set both or neither."
    elif cert is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
        except (OSError, ValueError):  # ssl.SSLError is an OSError; ValueError: the key wants a passphrase
            yield "tls_cert_file and tls_key_file do not load: name a PEM chain and its key without a passphrase."


def named_origins(settings: Settings) -> Iterator[str]:
    """Beyond loopback nobody can guess the address that clients use."""
    if not settings.origins:
        yield "origins is empty: set SOTTO_ORIGINS to the web origins that clients use (https://chat.example.org)."


def proxy_on_loopback(settings: Settings) -> Iterator[str]:
    """Whoever reaches the port directly could forge what the proxy says."""
    if settings.behind_proxy and not is_loopback(settings.host):
        yield "behind_proxy needs a host that only the proxy reaches: set host to 127.0.0.1, or behind_proxy to false."


def no_plain_http(settings: Settings) -> Iterator[str]:
    """Plain HTTP stays on this machine."""
    if settings.tls_cert_file is None and not is_loopback(settings.host):
        yield (
            "Production serves no plain HTTP beyond loopback: set tls_cert_file and tls_key_file, "
            "or set host to 127.0.0.1 behind a proxy that ends TLS."
        )


def https_origins(settings: Settings) -> Iterator[str]:
    """A page that came over plain HTTP could have been changed on its way."""
    for origin in settings.origins:
        parts = urlsplit(origin)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            yield "origins holds a plain http origin: write it as https://."
            return


def closed_data_dir(settings: Settings) -> Iterator[str]:
    """The database and the keys are for Sotto's own account."""
    if settings.data_dir.is_dir() and open_to_others(settings.data_dir):
        yield f"data_dir is open to other accounts: chmod o-rwx {shlex.quote(str(settings.data_dir))}"


def closed_tls_key(settings: Settings) -> Iterator[str]:
    """The certificate's key likewise."""
    if settings.tls_key_file is not None and is_open_file(settings.tls_key_file):
        yield f"tls_key_file is open to other accounts: chmod o-rwx {shlex.quote(str(settings.tls_key_file))}"


def is_open_file(path: Path) -> bool:
    """Say whether `path` is a file that other accounts may touch; one that is missing is another rule's affair."""
    try:
        return open_to_others(path)
    except OSError:
        return False


_TLS: Final = frozenset({"tls_cert_file", "tls_key_file"})

ALWAYS: Final[dict[Rule, frozenset[str]]] = {
    tls_pair: _TLS,
    named_origins: frozenset({"origins"}),
    proxy_on_loopback: frozenset({"behind_proxy", "host"}),
}
PRODUCTION: Final[dict[Rule, frozenset[str]]] = {
    no_plain_http: _TLS | {"host"},
    https_origins: frozenset({"origins"}),
    closed_data_dir: frozenset({"data_dir"}),
    closed_tls_key: _TLS,
}
"""Each rule with the fields that it reads."""


def broken(settings: Settings, faulty: AbstractSet[str]) -> list[str]:
    """Every rule that these settings break, leaving out rules about fields whose value is `faulty` by itself."""
    strict = PRODUCTION if settings.profile is Profile.PRODUCTION else {}
    return [
        sentence for rule, fields in (ALWAYS | strict).items() if not fields & faulty for sentence in rule(settings)
    ]
