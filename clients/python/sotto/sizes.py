"""What fits: the bucket a content is padded to, and how many boxes of it a frame holds (DESIGN section 4)."""

from typing import Final

from chatserver.wire import limits
from crypto.layers import CONTENT_HEAD_BYTES, INNER_HEAD_BYTES

_BOX_FRAME_BYTES: Final = 32
"""Around each box: device id 16, key number up to 5, lengths."""
_SEND_FRAME_BYTES: Final = 96
"""Around all boxes: tag, scope, n, c."""


def bucket_of(content_bytes: int) -> int | None:
    """The bucket that a content of so many bytes is padded to; None if it fits none."""
    needed = INNER_HEAD_BYTES + content_bytes
    return next((bucket for bucket in limits.BUCKET_BYTES if bucket > needed), None)


def boxes_in_frame(bucket: int) -> int:
    """How many boxes of a bucket fit one frame: 3 of the largest, 32 of 4,096."""
    each = bucket + limits.BOX_OVERHEAD_BYTES + _BOX_FRAME_BYTES
    return min(limits.MAX_BOXES_PER_SEND, (limits.MAX_FRAME_BYTES - _SEND_FRAME_BYTES) // each)


def boxes_that_fit(content_bytes: int) -> int:
    """How many devices a content of so many bytes can be sent to; 0 if it fits no bucket."""
    bucket = bucket_of(content_bytes)
    return boxes_in_frame(bucket) if bucket else 0


def body_limit(devices: int) -> int:
    """The longest body, in bytes, that can be sent to so many devices."""
    fitting = [bucket for bucket in limits.BUCKET_BYTES if boxes_in_frame(bucket) >= devices]
    return max(fitting) - 1 - INNER_HEAD_BYTES - CONTENT_HEAD_BYTES if fitting else 0
