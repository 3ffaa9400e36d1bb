"""The server's HTTP side, one method for each request. No cookie, no redirect, nothing of an answer in an error."""

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from os import urandom
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from crypto.fields import Random
from crypto.keys import NONCE_BYTES, DeviceKey, HttpStatement, body_hash
from sotto import answers
from sotto.answers import Raw, base64url
from sotto.errors import BadAnswer, InsecureServer, Refused, Unreachable

TIMEOUT_S: Final = 8.0
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_NO_ANSWER: Final = 300

A = TypeVar("A", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Signer:
    """The device whose word a request carries."""

    tenant: bytes
    account: bytes
    key: DeviceKey


class Api:
    """One server. `token` is the session's, set by whoever signs in."""

    def __init__(self, url: str, *, random: Random = urandom) -> None:
        self.url = origin_of(url)
        self.token = b""
        self._random = random
        self._http: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connection pool, made at first use; the WebSocket shares it."""
        if self._http is None or self._http.closed:
            self._http = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
            )
        return self._http

    async def close(self) -> None:
        """Let the connections go."""
        if self._http is not None:
            await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Anybody

    async def server(self) -> answers.Server:
        """Tenant, epoch and time."""
        return await self._ask("GET", "/v1/server", answers.Server)

    async def salt(self, name: str) -> bytes:
        """The login salt of a name."""
        return (await self._ask("POST", "/v1/salt", answers.GotSalt, answers.AskSalt(name))).salt

    async def join(self, code: str, name: str, salt: bytes, proof: bytes) -> answers.Account:
        """Use an invitation."""
        body = answers.NewAccount(code, name, Raw(salt), Raw(proof))
        return await self._ask("POST", "/v1/accounts", answers.Account, body)

    async def sign_in(self, name: str, proof: bytes, place: bytes = b"") -> answers.Session:
        """A new session; its token is used from now on."""
        body = answers.NewSession(name, Raw(proof), Raw(place))
        session = await self._ask("POST", "/v1/sessions", answers.Session, body)
        self.token = session.token
        return session

    # A session

    async def sign_out(self) -> None:
        """End the session."""
        await self._send("DELETE", "/v1/sessions/current")
        self.token = b""

    async def me(self) -> answers.Me:
        """One's own account."""
        return await self._ask("GET", "/v1/me", answers.Me)

    async def ticket(self, device: bytes) -> bytes:
        """A ticket for one hello."""
        return (await self._ask("POST", "/v1/tickets", answers.Ticket, answers.AskTicket(Raw(device)))).ticket

    async def conversations(self) -> tuple[answers.TalkInfo, ...]:
        """The conversations of the account."""
        return (await self._ask("GET", "/v1/conversations", answers.Talks)).conversations

    async def lists(self, account: bytes, after: int) -> list[bytes]:
        """The versions of an account's list above `after`, oldest first."""
        found: list[bytes] = []
        while True:
            path = f"/v1/accounts/{base64url(account)}/lists?after={after}"
            page = await self._ask("GET", path, answers.SignedLists)
            found += [entry.list for entry in page.lists]
            if not page.more or not page.lists or page.lists[-1].version <= after:
                return found
            after = page.lists[-1].version

    async def links(self) -> tuple[answers.AskingDevice, ...]:
        """The devices that ask to be linked to the account."""
        return (await self._ask("GET", "/v1/links", answers.AskingDevices)).links

    async def withdraw_link(self, device: bytes) -> None:
        """Forget a device that asks. A repeat is no fault."""
        await self._send("DELETE", f"/v1/links/{base64url(device)}")

    async def bundles(self, scope: bytes) -> answers.Bundles:
        """The newest lists and mail keys of a conversation."""
        return await self._ask("GET", f"/v1/conversations/{base64url(scope)}/bundles", answers.Bundles)

    # A device's word

    async def register(self, signer: Signer, name: str, signed_list: bytes) -> None:
        """Register the signing device with the list that has it. A repeat is no fault."""
        body = answers.NewDevice(Raw(signer.key.public), name, Raw(signed_list))
        await self._send("POST", "/v1/devices", body, signer)

    async def ask_link(self, signer: Signer, name: str) -> None:
        """Ask that the signing device be linked."""
        await self._send("POST", "/v1/links", answers.AskLink(Raw(signer.key.public), name), signer)

    async def answer_link(self, signer: Signer, device: bytes, signed_list: bytes) -> None:
        """Give a device that asks the signed list that has it."""
        await self._send("POST", f"/v1/links/{base64url(device)}", answers.NewList(Raw(signed_list)), signer)

    async def publish_list(self, signer: Signer, signed_list: bytes) -> None:
        """Publish the next list. A repeat is no fault."""
        await self._send("POST", "/v1/lists", answers.NewList(Raw(signed_list)), signer)

    async def publish_bundle(self, signer: Signer, bundle: bytes) -> None:
        """Publish the next mail key of the signing device. A repeat is no fault."""
        await self._send("POST", "/v1/bundles", answers.NewBundle(Raw(bundle)), signer)

    # Inside

    async def _ask(self, method: str, path: str, answer: type[A], body: msgspec.Struct | None = None) -> A:
        """Ask, and read the answer."""
        raw = await self._send(method, path, body)
        try:
            found: A = answers.decode(raw, answer)
        except (msgspec.MsgspecError, ValueError):
            raise BadAnswer("The server's answer could not be read.") from None
        return found

    async def _send(
        self, method: str, path: str, body: msgspec.Struct | None = None, signer: Signer | None = None
    ) -> bytes:
        """Ask, and have the bytes of the answer. Raises Refused, Unreachable, BadAnswer."""
        payload = answers.encoder.encode(body) if body is not None else b""
        headers = self._headers(method, path, payload, signer)
        try:
            status, raw = await self._exchange(method, path, payload, headers)
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise Unreachable("The server cannot be reached.") from None
        if status >= _NO_ANSWER:
            raise _refusal(raw)
        return raw

    async def _exchange(self, method: str, path: str, payload: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        url = self.url + path
        request = self.session.request(method, url, data=payload or None, headers=headers, allow_redirects=False)
        pieces, size = [], 0
        async with request as response:
            async for piece in response.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > MAX_ANSWER_BYTES:
                    raise BadAnswer("The server's answer is too long.")
            return response.status, b"".join(pieces)

    def _headers(self, method: str, path: str, payload: bytes, signer: Signer | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if payload:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {base64url(self.token)}"
        if signer:
            headers["Sotto-Statement"] = base64url(self._statement(signer, method, path, payload))
        return headers

    def _statement(self, signer: Signer, method: str, path: str, payload: bytes) -> bytes:
        """Device id 16, nonce 32, signature 64 (CRYPTO section 4)."""
        nonce, device = self._random(NONCE_BYTES), signer.key.id
        said = HttpStatement(signer.tenant, signer.account, device, method, path, body_hash(payload), nonce)
        return device + nonce + signer.key.sign(said)


def origin_of(url: str) -> str:
    """scheme://host[:port] as a browser would say it (RFC 6454): what a hello names. ValueError if it is none."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not the address of a server")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def require_private(url: str, *, plain_http: bool) -> None:
    """Refuse to speak without TLS to another machine. Raises InsecureServer."""
    parts = urlsplit(origin_of(url))
    if parts.scheme == "https" or plain_http or parts.hostname == "localhost":
        return
    with suppress(ValueError):
        if ip_address(parts.hostname or "").is_loopback:
            return
    raise InsecureServer("Use https: without it, others on the way could take the proof of your password.")


def _refusal(raw: bytes) -> Exception:
    try:
        code: str = answers.decode(raw, answers.Refusal).code
    except msgspec.MsgspecError:
        return BadAnswer("The server's answer could not be read.")
    return Refused(code)
