"""What fits a frame: the figures of DESIGN section 4, and a frame that really is no longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.wire import limits
from chatserver.wire.frames import Sealed, Send, encode
from crypto.envelope import MAX_BODY_BYTES
from crypto.layers import CONTENT_HEAD_BYTES
from sotto.sizes import body_limit, boxes_in_frame, boxes_that_fit, bucket_of

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(("bucket", "boxes"), [(49_152, 3), (16_384, 9), (8_192, 19), (4_096, 32), (256, 32)])
def test_the_boxes_of_a_bucket_that_a_frame_holds(bucket: int, boxes: int) -> None:
    assert boxes_in_frame(bucket) == boxes


@pytest.mark.parametrize("bucket", limits.BUCKET_BYTES)
def test_a_full_frame_is_within_the_limit(bucket: int) -> None:
    box = Sealed(b"\xff" * 16, 2**32 - 1, bytes(bucket + limits.BOX_OVERHEAD_BYTES))
    frame = Send(b"\xff" * 16, limits.MAX_INTEGER, b"\xff" * 32, (box,) * boxes_in_frame(bucket))
    assert len(encode(frame)) <= limits.MAX_FRAME_BYTES


def test_the_longest_text_of_all_is_that_of_the_largest_bucket() -> None:
    assert body_limit(3) == MAX_BODY_BYTES


def test_nothing_fits_more_devices_than_a_send_may_name() -> None:
    assert body_limit(33) == 0


@given(st.integers(1, 32))
def test_a_text_within_the_limit_fits_and_a_longer_one_does_not(devices: int) -> None:
    limit = body_limit(devices)
    assert boxes_that_fit(CONTENT_HEAD_BYTES + limit) >= devices
    assert boxes_that_fit(CONTENT_HEAD_BYTES + limit + 1) < devices


def test_a_content_beyond_every_bucket_has_none() -> None:
    assert bucket_of(50_000) is None
    assert boxes_that_fit(50_000) == 0
