"""Boxes that no honest client would make: each layer can be replaced. For vectors and tests alone."""

from dataclasses import dataclass, field, replace

from nacl.bindings import sodium_pad

from crypto.envelope import Delivery
from crypto.keys import FrameClass
from crypto.layers import Party, associated, commitment, context, inner_box, inner_plaintext, outer_plaintext, sealed
from crypto.vectors.world import ALICE, BOB, NOW_MS, SCOPE, TENANT, Person, content, seed


def party(of: Person, index: int = 0, key_no: int = 1) -> Party:
    """One device as it stands in a context hash."""
    device_pk = of.device_keys[index].public
    return Party(of.account, of.identity.public, device_pk, of.box_key(index, key_no).public)


CTX = context(TENANT, party(ALICE), party(BOB), 1, BOB.body.list_hash)


@dataclass(frozen=True)
class Forged:
    """A box from Alice's first device to Bob's only one, with whatever a case replaces."""

    frame_class: FrameClass = FrameClass.MESSAGE
    scope: bytes = SCOPE
    sender_device: bytes = ALICE.device_keys[0].id
    n: int = 1
    content: bytes = field(default_factory=lambda: content().encode())
    kf: bytes = seed("kf")
    ctx: bytes = CTX
    bucket: int = 256
    inner_layer: bytes = b"\2"
    outer_layer: bytes = b"\1"
    bundle: bytes = field(default_factory=lambda: ALICE.bundle().encode())
    from_secret: bytes = ALICE.box_key().secret
    to_pk: bytes = BOB.box_key().public
    to_list_version: int = 1
    padded: bytes | None = None
    inner: bytes | None = None
    c: bytes | None = None
    accepted_at_ms: int = NOW_MS

    def inner_bytes(self) -> bytes:
        """The inner layer, nonce first."""
        plaintext = self.inner_layer + inner_plaintext(self.ctx, self.kf, self.content)[1:]
        padded = sodium_pad(plaintext, self.bucket) if self.padded is None else self.padded
        return inner_box(padded, self.to_pk, self.from_secret, seed("nonce")[:24])

    def box(self) -> bytes:
        """The whole box."""
        inner = self.inner_bytes() if self.inner is None else self.inner
        outer = self.outer_layer + outer_plaintext(self.bundle, self.to_list_version, inner)[1:]
        return sealed(outer, self.to_pk, seed("ephemeral"))

    def commitment(self) -> bytes:
        """The c that honest bytes have."""
        ad = associated(self.frame_class, self.scope, self.sender_device, self.n)
        return commitment(self.kf, ad, self.content)

    def delivery(self) -> Delivery:
        """As the server delivers it."""
        c = self.commitment() if self.c is None else self.c
        return Delivery(self.frame_class, self.scope, self.sender_device, self.n, c, self.accepted_at_ms, 1, self.box())

    def but(self, **changes: object) -> "Forged":
        """The same with something replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]  # replace checks the names
