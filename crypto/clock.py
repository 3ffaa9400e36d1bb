"""How long things made by a device are good for (CRYPTO sections 1 and 2). All in milliseconds."""

from crypto.refusals import Reason, require

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

DATED_SLACK_MS = 5 * MINUTE_MS  # keys and lists dated further off are refused
ROTATE_AFTER_MS = 24 * HOUR_MS  # a newer mail key is made when the newest is this old
SENDS_FOR_MS = 48 * HOUR_MS  # a mail key sends until created + this
RECEIVES_REPLACED_MS = 10 * MINUTE_MS  # and receives so long after replaced_at
DESTROY_AFTER_MS = 15 * MINUTE_MS  # earliest destruction after replaced_at, at a `current`
MAIL_LIFE_MS = 30 * DAY_MS  # use 0: senders refuse the key from created + this
CALL_LIFE_MS = 24 * HOUR_MS  # use 1
SECRET_LIFE_MS = 61 * DAY_MS  # a secret is destroyed by created + this in any case
FRESH_MS = 120_000  # classes 2 and 3: sent_at against accepted_at


def require_dated(made_ms: int, now_ms: int) -> None:
    """Refuse a key or list dated more than five minutes from the server's clock."""
    require(abs(made_ms - now_ms) <= DATED_SLACK_MS, Reason.DATED_OFF)
