"""The box keys of this device and their clock, as a value machine (CRYPTO section 2 "Box key clock").

A key is made when the newest published one is 24 h old or was made under an older list; it is durable before it is
published. It sends until it is 48 h old, receives until it is destroyed: at the first `current` at least 15 minutes
after the server stamped it as replaced, and 61 days after it was made whatever happens. Times are server ms.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from crypto.clock import DATED_SLACK_MS, DESTROY_AFTER_MS, MAIL_LIFE_MS, ROTATE_AFTER_MS, SECRET_LIFE_MS
from crypto.envelope import HeldKey, Sender
from crypto.fields import KEY_BYTES, ZERO_ID, Random
from crypto.keys import BoxKey, BundleBody, DeviceKey, DeviceList, Use, parse_bundle, sign_bundle
from sotto.state.records import BoxSecret


class KeyRing:
    """Owns the box secrets. `take_changes` names those to write, and by None those to destroy."""

    def __init__(self, secrets: Iterable[BoxSecret]) -> None:
        self._secrets = {secret.key_no: secret for secret in sorted(secrets, key=lambda secret: secret.key_no)}
        self._changes: dict[int, BoxSecret | None] = {}

    @property
    def newest(self) -> BoxSecret | None:
        """The newest key that the server has published."""
        return next((secret for secret in reversed(self._secrets.values()) if secret.published), None)

    def take_changes(self) -> dict[int, BoxSecret | None]:
        """What changed since the last call."""
        changes, self._changes = self._changes, {}
        return changes

    def due(self, now_ms: int, list_version: int) -> bool:
        """Whether a new key must be made and published before anything is sent."""
        newest = self.newest
        if newest is None or newest.key_no < max(self._secrets) or newest.list_version != list_version:
            return True
        return now_ms - newest.created_ms >= ROTATE_AFTER_MS

    def pending(self, now_ms: int, list_version: int) -> BoxSecret | None:
        """A key made a moment ago whose publication got no answer: it may be published again as it is."""
        last = self._secrets.get(max(self._secrets, default=0))
        fresh = last and not last.published and last.secret and now_ms - last.created_ms < DATED_SLACK_MS // 2
        return last if last and fresh and last.list_version == list_version else None

    def make(self, now_ms: int, device: DeviceKey, own: DeviceList, random: Random) -> BoxSecret:
        """A new key with its signed bundle, to be made durable and then published.

        Its number is above every number that was ever used, published or not: an answer may have been lost.
        """
        key_no = max(self._secrets, default=0) + 1
        secret = random(KEY_BYTES)
        body = BundleBody(
            use=Use.MAIL,
            scope=ZERO_ID,
            device_id=device.id,
            key_no=key_no,
            created_ms=now_ms,
            expires_ms=now_ms + MAIL_LIFE_MS,
            box_pk=BoxKey(secret).public,
            list_version=own.version,
        )
        bundle = sign_bundle(body, device, own).encode()
        return self._put(BoxSecret(key_no, secret, now_ms, own.version, bundle))

    def give_up(self) -> None:
        """The server will not have the pending key: the next one gets a number above it."""
        last = self._secrets.get(max(self._secrets, default=0))
        if last and not last.published:
            self._put(replace(last, secret=b""))

    def published(self, key_no: int, at_ms: int) -> None:
        """The server published this key at that time, and with it replaced all older ones."""
        self._put(replace(self._secrets[key_no], published=True))
        for secret in list(self._secrets.values()):
            if secret.key_no < key_no and not secret.replaced_at:
                self._put(replace(secret, replaced_at=at_ms))

    def unknown(self, key_no: int) -> bool:
        """Whether the server shows a key that this device never made: its state is an old copy."""
        return key_no > max(self._secrets, default=0)

    def shown(self, key_no: int, at_ms: int) -> None:
        """The server's newest key of this device is this one.

        A later one than known here as published was published, and its answer lost; an earlier one tells of a restored
        store, and what the server no longer has is not published any more.
        """
        if key_no in self._secrets and not self._secrets[key_no].published:
            self.published(key_no, at_ms)
        for secret in list(self._secrets.values()):
            if secret.key_no > key_no and secret.published:
                self._put(replace(secret, published=False))

    def sender(self, own: DeviceList) -> Sender:
        """This device as a sender, with its newest published key. `due` was asked before."""
        newest = self.newest
        if newest is None or not newest.secret:
            raise LookupError("no published key")
        return Sender(own, parse_bundle(newest.bundle), BoxKey(newest.secret))

    def held(self, key_no: int) -> HeldKey | None:
        """The key with this number, while its secret exists."""
        found = self._secrets.get(key_no)
        return HeldKey(key_no, BoxKey(found.secret)) if found and found.secret else None

    def owners(self) -> dict[bytes, bytes]:
        """Whose each of these box keys is: all are this device's."""
        bodies = [parse_bundle(secret.bundle).body for secret in self._secrets.values()]
        return {body.box_pk: body.device_id for body in bodies}

    def current(self, at_ms: int) -> None:
        """Everything receipted before `at_ms` was opened and committed: destroy what was replaced long enough ago."""
        self._destroy(s for s in self._secrets.values() if s.replaced_at and at_ms >= s.replaced_at + DESTROY_AFTER_MS)

    def tick(self, now_ms: int) -> None:
        """Destroy what is 61 days old, delivered or not."""
        self._destroy(s for s in self._secrets.values() if s.secret and now_ms >= s.created_ms + SECRET_LIFE_MS)

    def _destroy(self, secrets: Iterable[BoxSecret]) -> None:
        """The highest number stays on record without its secret, because numbers never go back."""
        for secret in list(secrets):
            if secret.key_no == max(self._secrets):
                self._put(replace(secret, secret=b""))
            else:
                del self._secrets[secret.key_no]
                self._changes[secret.key_no] = None

    def _put(self, secret: BoxSecret) -> BoxSecret:
        self._secrets[secret.key_no] = self._changes[secret.key_no] = secret
        return secret
