"""The settings as one frozen value; pydantic refuses every fault at once and repeats no input.

Each description completes the sentence "set it to ..." in a refusal.
"""

import base64
import binascii
import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretBytes

KEY_BYTES: Final = 32


class Profile(StrEnum):
    """How strict a start is: production refuses what only a developer's machine may do."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """One line for people, or one JSON object a line."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def is_loopback(host: str) -> bool:
    """Say whether `host` reaches this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(value: object) -> object:
    """Take base64 text of 32 bytes. The refusal never repeats it."""
    if not isinstance(value, str):
        return value
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError("it is not base64 of 32 bytes")
    return raw


def _split(value: object) -> object:
    """Take a list as TOML has it, or text with commas as an environment variable has it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _origin(value: str) -> str:
    """RFC 6454 section 6.2: scheme, host and port, nothing else."""
    if "*" in value:
        raise ValueError("a wildcard would let every site in")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("it is not scheme://host or scheme://host:port")
    return value


def _sqlite(value: str) -> str:
    if not value.startswith("sqlite:///"):
        raise ValueError("no such store is built in")
    return value


def _own_origins(fields: dict[str, Any]) -> tuple[str, ...]:
    """On loopback the web origins are known; elsewhere the operator names them."""
    host, port = fields.get("host", ""), fields.get("port", 0)
    if not is_loopback(host):
        return ()
    scheme = "https" if fields.get("tls_cert_file") else "http"
    names = (f"[{host}]" if ":" in host else host, "localhost")
    return tuple(dict.fromkeys(f"{scheme}://{name}:{port}" for name in names))


def _own_store(fields: dict[str, Any]) -> str:
    return f"sqlite:///{fields.get('data_dir', Path())}/sotto.db"


Key = Annotated[SecretBytes, BeforeValidator(_key)]
Origin = Annotated[str, BeforeValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_split)]
StoreUrl = Annotated[str, BeforeValidator(_sqlite)]


class Settings(BaseModel):
    """Everything an operator may decide. Order matters: a derived default sees only the fields above it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )

    profile: Annotated[Profile, Field(description="development or production")] = Profile.DEVELOPMENT
    host: Annotated[str, Field(description="the address to listen on", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(description="a TCP port from 0 (any free one) to 65535", ge=0, le=65535)] = 8080
    tls_cert_file: Annotated[Path | None, Field(description="a PEM file with the certificate chain")] = None
    tls_key_file: Annotated[Path | None, Field(description="a PEM file with the certificate's key")] = None
    behind_proxy: Annotated[
        bool, Field(description="true if a proxy on this machine ends TLS and sets X-Forwarded-For, else false")
    ] = False
    origins: Annotated[
        Origins, Field(description="the web origins that clients use, such as https://chat.example.org")
    ] = Field(default_factory=_own_origins)
    data_dir: Annotated[Path, Field(description="a directory for the database and the keys")] = Path("data")
    store_url: Annotated[StoreUrl, Field(description="sqlite:/// and the path of the database file")] = Field(
        default_factory=_own_store
    )
    organisation: Annotated[
        str, Field(description="the name that people see, 1 to 64 characters", min_length=1, max_length=64)
    ] = "Sotto"
    node_name: Annotated[
        str, Field(description="a name for this node: 1 to 32 of a-z, 0-9 and -", pattern=r"^[a-z0-9-]{1,32}$")
    ] = "node"
    drain_timeout_s: Annotated[
        float, Field(description="the seconds that a stopping node waits, 0 to 300", ge=0, le=300)
    ] = 10.0
    hold_ms: Annotated[
        int, Field(description="the milliseconds that a live box waits for its ack in memory, 0 to 5000", ge=0, le=5000)
    ] = 250
    commit_distance_ms: Annotated[
        float, Field(description="the least milliseconds between two commits while busy, 0 to 100", ge=0, le=100)
    ] = 2.0
    log_level: Annotated[LogLevel, Field(description="debug, info, warning or error")] = LogLevel.INFO
    log_format: Annotated[LogFormat, Field(description="console or json")] = LogFormat.CONSOLE
    column_key: Annotated[Key, Field(description="base64 of 32 bytes; seals identifying columns")]
    lookup_key: Annotated[Key, Field(description="base64 of 32 bytes; blinds the names that are looked up")]
    stamp_key: Annotated[Key, Field(description="base64 of 32 bytes; stamps deliveries (CRYPTO section 5)")]
