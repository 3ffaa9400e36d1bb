"""What a device signs to the server: hello on a socket, and statements over HTTPS (CRYPTO section 4)."""

from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from hmac import compare_digest
from typing import ClassVar

from crypto.fields import HASH_BYTES, ID_BYTES, counted, fixed, u8, u32, utf8
from crypto.labels import H, Label, device_id, verify
from crypto.refusals import Reason, require

TICKET_BYTES = 32
NONCE_BYTES = 32
EPOCH_BYTES = 16


class Transport(IntEnum):
    """The transport byte of a hello."""

    WEBSOCKET = 1
    SOCKETIO = 2


@dataclass(frozen=True, slots=True)
class Hello:
    """One device, one ticket, one socket. `origin` is what the client sees, `epoch` zero at first."""

    LABEL: ClassVar[Label] = Label.HELLO

    tenant: bytes
    origin: str
    ticket_hash: bytes
    account: bytes
    device_id: bytes
    transport: Transport
    list_version: int
    list_hash: bytes
    key_no: int
    epoch: bytes

    def encode(self) -> bytes:
        """The fields in the order of CRYPTO section 4; list_version and key_no are u32, the origin len16 || bytes."""
        return b"".join(
            (
                fixed(self.tenant, ID_BYTES),
                counted(utf8(self.origin)),
                fixed(self.ticket_hash, HASH_BYTES),
                fixed(self.account, ID_BYTES),
                fixed(self.device_id, ID_BYTES),
                u8(self.transport),
                u32(self.list_version),
                fixed(self.list_hash, HASH_BYTES),
                u32(self.key_no),
                fixed(self.epoch, EPOCH_BYTES),
            )
        )


@dataclass(frozen=True, slots=True)
class HttpStatement:
    """One request over HTTPS that needs the device's word, not only its session."""

    LABEL: ClassVar[Label] = Label.HTTP

    tenant: bytes
    account: bytes
    device_id: bytes
    method: str
    path: str
    body_hash: bytes
    nonce: bytes

    def encode(self) -> bytes:
        """tenant, account, device id, len16 || method, len16 || path with query, body hash 32, nonce 32."""
        return b"".join(
            (
                fixed(self.tenant, ID_BYTES),
                fixed(self.account, ID_BYTES),
                fixed(self.device_id, ID_BYTES),
                counted(utf8(self.method)),
                counted(utf8(self.path)),
                fixed(self.body_hash, HASH_BYTES),
                fixed(self.nonce, NONCE_BYTES),
            )
        )


def verify_device_statement(statement: Hello | HttpStatement, signature: bytes, device_pk: bytes) -> None:
    """Refuse unless the device named in the statement is this key, and it signed the statement."""
    require(compare_digest(statement.device_id, device_id(device_pk)), Reason.WRONG_DEVICE)
    verify(statement, signature, device_pk)


def ticket_hash(ticket: bytes) -> bytes:
    """How a ticket stands in a hello and in the store: H("sotto/v1/ticket", ticket)."""
    return H("sotto/v1/ticket", fixed(ticket, TICKET_BYTES))


def body_hash(body: bytes) -> bytes:
    """BLAKE2b-256 of a request body; of nothing for a request without one."""
    return blake2b(body, digest_size=HASH_BYTES).digest()
