from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_box_seal_open
from nacl.public import PrivateKey, SealedBox

from crypto.envelope import (
    MAX_BODY_BYTES,
    Content,
    Delivery,
    Opened,
    commit,
    open_box,
    seal,
)
from crypto.keys import BOX_LENGTHS, BUCKETS, BoxKey, FrameClass, Reason, Refused, verify_bundle_in
from crypto.layers import commitment, sealed
from crypto.vectors.case import flipped
from crypto.vectors.forge import CTX, Forged
from crypto.vectors.world import (
    ALICE,
    BOB,
    MALLORY,
    NOW_MS,
    SCOPE,
    alices,
    content,
    delivered,
    sealed_for_bob,
    view_of,
)

pytestmark = pytest.mark.pure

GOOD = alices(content())
BOX = sealed_for_bob(GOOD)
bodies = st.binary(max_size=1_200)


def bob_opens(delivery: Delivery) -> Opened:
    return open_box(delivery, BOB.held(), view_of(BOB), None, None)


def refusal(delivery: Delivery) -> Reason:
    with pytest.raises(Refused) as caught:
        bob_opens(delivery)
    return caught.value.reason


@settings(max_examples=60)
@given(bodies, st.integers(0, 255), st.integers(1, 2**53 - 1))
def test_what_is_sealed_opens_for_its_recipient(body: bytes, kind: int, n: int) -> None:
    said = replace(content(body=body), kind=kind)
    send = commit(FrameClass.MESSAGE, SCOPE, ALICE.device_keys[0].id, n, said)
    (box,) = seal(send, ALICE.sender(), (BOB.recipient(),), NOW_MS)
    opened = bob_opens(delivered(send, box))
    assert opened.content == said
    assert (opened.content_bytes, opened.kf, opened.bundle) == (send.content, send.kf, ALICE.bundle())
    assert opened.notes == frozenset()


def test_one_commitment_for_all_devices_the_senders_own_included() -> None:
    recipients = (BOB.recipient(), MALLORY.recipient(), ALICE.recipient(1))
    boxes = seal(GOOD, ALICE.sender(), recipients, NOW_MS)
    for who, index, box in ((BOB, 0, boxes[0]), (MALLORY, 0, boxes[1]), (ALICE, 1, boxes[2])):
        assert box.device_id == who.device_keys[index].id
        opened = open_box(delivered(GOOD, box), who.held(index), view_of(who, index), None, None)
        assert opened.content == content()
        assert opened.stream.state.c == GOOD.c
    assert len({box.box for box in boxes}) == 3


def test_nobody_else_opens_a_box() -> None:
    for who, index in ((MALLORY, 0), (ALICE, 0), (ALICE, 1)):
        with pytest.raises(Refused, match="seal_broken"):
            open_box(delivered(GOOD, BOX), who.held(index), view_of(who, index), None, None)


@given(st.integers(0, MAX_BODY_BYTES), st.sampled_from(FrameClass))
@settings(max_examples=60)
def test_a_box_has_one_of_the_six_lengths_the_least_that_fits(body_bytes: int, frame_class: FrameClass) -> None:
    send = alices(content(body=bytes(body_bytes)), NOW_MS, frame_class)
    (box,) = seal(send, ALICE.sender(), (BOB.recipient(),), NOW_MS)
    least = 8_192 if frame_class is FrameClass.SIGNAL else 256
    bucket = min(size for size in BUCKETS if size >= least and size > body_bytes + 146)
    assert len(box.box) == bucket + 288
    assert len(box.box) in BOX_LENGTHS == (544, 1_312, 4_384, 8_480, 16_672, 49_440)


def test_every_flipped_bit_of_a_box_is_refused() -> None:
    for bit in range(8 * len(BOX.box)):
        changed = replace(delivered(GOOD, BOX), box=flipped(BOX.box, bit))
        assert refusal(changed) is Reason.SEAL_BROKEN


def test_every_flipped_bit_of_the_inner_box_is_refused() -> None:
    """By somebody who can seal to the recipient, which anybody can."""
    inner = Forged().inner_bytes()
    for bit in range(8 * len(inner)):
        changed = Forged(inner=flipped(inner, bit)).delivery()
        assert refusal(changed) is Reason.INNER_BROKEN


def test_every_flipped_bit_of_the_senders_bundle_is_refused() -> None:
    bundle = ALICE.bundle().encode()
    for bit in range(8 * len(bundle)):
        with pytest.raises(Refused):
            bob_opens(Forged(bundle=flipped(bundle, bit)).delivery())


def test_every_flipped_bit_under_the_senders_own_key_is_refused() -> None:
    """Of layer byte, context, kf, content, marker and padding, sealed as the sender would."""
    plaintext = b"\2" + CTX + Forged().kf + content().encode()
    padded = (plaintext + b"\x80").ljust(256, b"\0")
    c = Forged().commitment()
    assert bob_opens(Forged(padded=padded, c=c).delivery()).content == content()
    for bit in range(8 * len(padded)):
        changed = Forged(padded=flipped(padded, bit), c=c).delivery()
        assert refusal(changed) in {
            Reason.INNER_LAYER,
            Reason.WRONG_CONTEXT,
            Reason.WRONG_COMMITMENT,
            Reason.BAD_PADDING,
        }


@settings(max_examples=60)
@given(st.data())
def test_no_byte_of_a_larger_box_can_be_changed(data: st.DataObject) -> None:
    send = alices(content(body=bytes(2_000)))
    box = sealed_for_bob(send)
    at = data.draw(st.integers(0, len(box.box) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != box.box[at]))
    changed = box.box[:at] + bytes([other]) + box.box[at + 1 :]
    assert refusal(replace(delivered(send, box), box=changed)) is Reason.SEAL_BROKEN


@given(st.binary(max_size=600), st.binary(min_size=32, max_size=32))
def test_libsodiums_own_sealed_box_opens_ours(plaintext: bytes, ephemeral: bytes) -> None:
    key = BOB.box_key()
    assert crypto_box_seal_open(sealed(plaintext, key.public, ephemeral), key.public, key.secret) == plaintext
    assert SealedBox(PrivateKey(key.secret)).decrypt(sealed(plaintext, key.public, ephemeral)) == plaintext


def test_a_box_to_a_low_order_key_is_refused_by_name() -> None:
    for low in (bytes(32), (1).to_bytes(32, "little")):
        with pytest.raises(Refused) as caught:
            sealed(b"x", low, bytes(range(32)))
        assert caught.value.reason is Reason.WEAK_KEY


def test_randomness_is_drawn_anew_for_every_box() -> None:
    first, second = (commit(GOOD.frame_class, SCOPE, GOOD.sender_device, 1, content()) for _ in range(2))
    assert first.kf != second.kf
    assert first.c != second.c
    boxes = seal(GOOD, ALICE.sender(), (BOB.recipient(), BOB.recipient()), NOW_MS)
    assert boxes[0].box[:32] != boxes[1].box[:32]


def test_a_retry_keeps_the_commitment() -> None:
    again = sealed_for_bob(GOOD), seal(GOOD, ALICE.sender(), (BOB.recipient(),), NOW_MS)[0]
    assert {bob_opens(delivered(GOOD, box)).stream.state.c for box in again} == {GOOD.c}


def test_a_commitment_is_crypto_auth_with_a_key_of_exactly_32_bytes() -> None:
    """RFC 2104 would take 31 bytes and a zero for the same key."""
    key = bytes(range(1, 32))
    assert commitment(key + b"\0", bytes(42), b"")
    for kf in (key, key + b"\0\0"):
        with pytest.raises(Refused, match="bad_width"):
            commitment(kf, bytes(42), b"")


@given(st.binary(max_size=100), st.integers(0, 255), st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1))
def test_every_content_comes_back_from_its_bytes(body: bytes, kind: int, seq: int, sent_at_ms: int) -> None:
    said = Content(kind, seq, sent_at_ms, bytes(32), bytes(range(32)), body)
    assert Content.decode(said.encode()) == said
    assert len(said.encode()) == 81 + len(body)


def test_a_sender_without_the_secret_of_its_bundle_seals_nothing() -> None:
    sender = replace(ALICE.sender(), box_key=BoxKey(bytes(range(32))))
    with pytest.raises(Refused, match="key_not_held"):
        seal(GOOD, sender, (BOB.recipient(),), NOW_MS)


def test_the_bundle_that_comes_with_a_box_is_the_one_the_sender_published() -> None:
    opened = bob_opens(delivered(GOOD, BOX))
    assert verify_bundle_in(opened.bundle.encode(), ALICE.body) == opened.bundle
