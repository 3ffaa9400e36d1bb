"""Every way to break RFC 6455 that a server must answer, as bytes of an otherwise good connection, and the code due."""

from chatserver.wire import frames, limits
from tests.websocket_peers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame, header

GOOD = frames.encode(frames.Active())
BIG = limits.MAX_FRAME_BYTES
BEGUN = frame(BINARY, GOOD[:2], fin=False)

VIOLATIONS: dict[str, tuple[bytes, int]] = {
    # 5.2: reserved bits and opcodes
    **{f"reserved bits {rsv:03b}": (frame(BINARY, GOOD, rsv=rsv), 1002) for rsv in range(1, 8)},
    "reserved bit on a ping": (frame(PING, rsv=4), 1002),
    "reserved bit on a close": (frame(CLOSE, b"\x03\xe8", rsv=1), 1002),
    "reserved bit on a continuation": (BEGUN + frame(CONTINUATION, GOOD[2:], rsv=2), 1002),
    **{f"opcode {opcode:#x}": (frame(opcode, b"x"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    # 5.2: the length has its shortest form, and 63 bits
    "seven-bit length in 16": (frame(BINARY, b"x" * 125, form=16), 1002),
    "empty length in 16": (frame(BINARY, b"", form=16), 1002),
    "seven-bit length in 64": (frame(BINARY, b"x" * 5, form=64), 1002),
    "sixteen-bit length in 64": (frame(BINARY, b"x" * 65_535, form=64), 1002),
    "length with the highest bit": (header(0x82, 1 << 63, length_form=64), 1002),
    # 5.1: clients mask
    "unmasked binary": (frame(BINARY, GOOD, mask=False), 1002),
    "unmasked ping": (frame(PING, b"x", mask=False), 1002),
    "unmasked close": (frame(CLOSE, b"\x03\xe8", mask=False), 1002),
    # 5.4: fragments
    "continuation of nothing": (frame(CONTINUATION, GOOD), 1002),
    "unfinished continuation of nothing": (frame(CONTINUATION, GOOD, fin=False), 1002),
    "continuation after the end": (BEGUN + frame(CONTINUATION, GOOD[2:]) + frame(CONTINUATION, b"x"), 1002),
    "binary inside a message": (BEGUN + frame(BINARY, GOOD), 1002),
    "unfinished binary inside a message": (BEGUN + frame(BINARY, GOOD, fin=False), 1002),
    "text inside a message": (BEGUN + frame(TEXT, b"x"), 1002),
    # 5.5: control frames are whole and short
    "fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "fragmented pong": (frame(PONG, b"x", fin=False), 1002),
    "fragmented close": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "ping of 126": (frame(PING, b"x" * 126), 1002),
    "pong of 126": (frame(PONG, b"x" * 126), 1002),
    "close of 126": (close_frame(1000, b"x" * 124), 1002),
    "ping with a long length": (frame(PING, b"x", form=64), 1002),
    # 5.5.1, 7.4: close
    "close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{
        f"close code {code}": (close_frame(code), 1002)
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
    "close reason not UTF-8": (close_frame(1000, b"\xff\xfe"), 1007),
    "close reason with a surrogate": (close_frame(1000, b"\xed\xa0\x80"), 1007),
    "close reason cut short": (close_frame(1000, b"\xe2\x82"), 1007),
    # ours: binary only
    "text": (frame(TEXT, b"hello"), 1003),
    "empty text": (frame(TEXT), 1003),
    "begun text": (frame(TEXT, b"hel", fin=False), 1003),
    # ours: the size of a message
    "too big": (frame(BINARY, b"x" * (BIG + 1)), 1009),
    "too big, header only": (header(0x82, BIG + 1), 1009),
    "too big by far, header only": (header(0x82, (1 << 63) - 1), 1009),
    "too big in two": (frame(BINARY, b"x" * BIG, fin=False) + frame(CONTINUATION, b"x"), 1009),
    "too big in the middle": (
        frame(BINARY, b"x" * 100_000, fin=False) + frame(CONTINUATION, b"x" * 100_000, fin=False),
        1009,
    ),
}
