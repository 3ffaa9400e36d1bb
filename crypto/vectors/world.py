"""The people of the vectors and tests: fixed seeds, fixed times, two accounts and one that means harm."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from crypto.envelope import (
    Committed,
    Content,
    Delivery,
    HeldKey,
    KeyPin,
    Lists,
    Recipient,
    SealedBox,
    Sender,
    View,
    commit,
    seal,
)
from crypto.fields import Random
from crypto.keys import (
    MAIL_LIFE_MS,
    ZERO_HASH,
    ZERO_ID,
    BoxKey,
    Bundle,
    BundleBody,
    Device,
    DeviceKey,
    DeviceList,
    FrameClass,
    IdentityKey,
    Use,
    members_hash,
    parse_list,
    sign_bundle,
    sign_list,
)

NOW_MS = 1_800_000_000_000
KEY_MADE_MS = NOW_MS - 3_600_000


def seed(name: str) -> bytes:
    """32 bytes that depend on the name alone."""
    return blake2b(name.encode(), digest_size=32).digest()


def id16(name: str) -> bytes:
    """16 bytes that depend on the name alone."""
    return blake2b(name.encode(), digest_size=16).digest()


def repeatable(name: str) -> Random:
    """Like `os.urandom`, but the same for the same name: BLAKE2b of the name and a running number."""
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return blake2b(f"{name}/{drawn}".encode(), digest_size=count).digest()

    return draw


TENANT = id16("tenant")
SCOPE = id16("conversation")
CALL = id16("call")


@dataclass(frozen=True)
class Person:
    """An account with its first device list."""

    name: str
    identity: IdentityKey
    device_keys: tuple[DeviceKey, ...]
    body: DeviceList

    @property
    def account(self) -> bytes:
        """The account id."""
        return self.body.account

    @property
    def member(self) -> tuple[bytes, bytes]:
        """What the members hash says of this person."""
        return self.account, self.identity.public

    @property
    def signed(self) -> bytes:
        """The list on the wire."""
        return sign_list(self.body, self.identity)

    def box_key(self, index: int = 0, key_no: int = 1) -> BoxKey:
        """The box key of one device and number."""
        return BoxKey(seed(f"{self.name}/box/{index}/{key_no}"))

    def bundle_body(self, index: int = 0, key_no: int = 1) -> BundleBody:
        """A mail bundle made an hour before NOW_MS."""
        return BundleBody(
            use=Use.MAIL,
            scope=ZERO_ID,
            device_id=self.device_keys[index].id,
            key_no=key_no,
            created_ms=KEY_MADE_MS,
            expires_ms=KEY_MADE_MS + MAIL_LIFE_MS,
            box_pk=self.box_key(index, key_no).public,
            list_version=self.body.version,
        )

    def bundle(self, index: int = 0, key_no: int = 1) -> Bundle:
        """The same, signed."""
        return sign_bundle(self.bundle_body(index, key_no), self.device_keys[index], self.body)

    def sender(self, index: int = 0, key_no: int = 1) -> Sender:
        """One device as a sender."""
        return Sender(self.body, self.bundle(index, key_no), self.box_key(index, key_no))

    def recipient(self, index: int = 0, key_no: int = 1) -> Recipient:
        """One device as a recipient."""
        return Recipient(self.body, self.bundle(index, key_no))

    def held(self, index: int = 0, key_no: int = 1) -> HeldKey:
        """The key with which that device opens."""
        return HeldKey(key_no, self.box_key(index, key_no))


def listed(keys: Iterable[DeviceKey]) -> tuple[Device, ...]:
    """Devices in the order that a list wants; the first given may add others."""
    devices = [Device(key.public, at == 0, NOW_MS - 7_200_000) for at, key in enumerate(keys)]
    return tuple(sorted(devices, key=lambda device: device.device_pk))


def person(name: str, devices: int) -> Person:
    """An account of that many devices at list version 1."""
    identity = IdentityKey(seed(f"{name}/identity"))
    keys = tuple(DeviceKey(seed(f"{name}/device/{at}")) for at in range(devices))
    account = id16(f"{name}/account")
    body = DeviceList(TENANT, account, 1, ZERO_HASH, identity.public, NOW_MS - 7_200_000, False, listed(keys))
    return Person(name, identity, keys, body)


ALICE = person("alice", 2)
BOB = person("bob", 1)
MALLORY = person("mallory", 1)


def lists_of(*who: Person) -> dict[bytes, Lists]:
    """The pinned lists by device id."""
    return {key.id: {one.body.version: one.body} for one in who for key in one.device_keys}


def view_of(own: Person, index: int = 0, others: Iterable[Person] = (ALICE, BOB, MALLORY)) -> View:
    """What that device knows in the conversation of Alice and Bob."""
    return View(
        device_pk=own.device_keys[index].public,
        own_lists={own.body.version: own.body},
        senders=lists_of(*others),
        members=members_hash(SCOPE, (ALICE.member, BOB.member)),
        key_pins={},
        key_owners={},
    )


def content(seq: int = 1, prev: bytes = ZERO_HASH, body: bytes = b"good morning") -> Content:
    """A text of Alice's in the conversation."""
    return Content(1, seq, NOW_MS, prev, members_hash(SCOPE, (ALICE.member, BOB.member)), body)


def alices(said: Content, n: int = 1, frame_class: FrameClass = FrameClass.MESSAGE) -> Committed:
    """What Alice's first device commits to."""
    device = ALICE.device_keys[0].id
    return commit(frame_class, SCOPE, device, n, said, random=repeatable(f"kf/{frame_class}/{n}"))


def sealed_for_bob(send: Committed) -> SealedBox:
    """Alice's box for Bob's only device."""
    return seal(send, ALICE.sender(), (BOB.recipient(),), NOW_MS, random=repeatable("seal"))[0]


def delivered(send: Committed, box: SealedBox) -> Delivery:
    """The box as the server delivers it, accepted at NOW_MS."""
    return Delivery(send.frame_class, send.scope, send.sender_device, send.n, send.c, NOW_MS, box.key_no, box.box)


def pinned(view: View, of: BundleBody, key_no: int, box_pk: bytes) -> View:
    """The view after it pinned a key of that device."""
    return replace(view, key_pins={(of.device_id, of.use, of.scope): KeyPin(key_no, box_pk)})


def next_list(after: Person, **changes: object) -> DeviceList:
    """The list that would follow, with whatever a case changes in it."""
    body = parse_list(after.signed).body
    fields: dict[str, object] = {"version": body.version + 1, "prev_hash": body.list_hash}
    return replace(body, **{**fields, **changes})  # type: ignore[arg-type]  # replace checks the names
