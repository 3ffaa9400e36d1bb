"""How long a session lives: the one table of idle and absolute limits, and pure questions about it.

ASVS 7.3.1, 7.3.2; NIST SP 800-63B-4 section 2.2.3. All times are milliseconds since the epoch. `active_at` is the last
moment at which a person did something (DESIGN section 6), `ends_at` the absolute limit fixed at sign-in.
"""

import enum
from typing import Final, NamedTuple

from chatserver.people.roles import Role

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS


class Limit(NamedTuple):
    """The two limits of a role."""

    idle_ms: int
    absolute_ms: int


def _limit(idle_min: int, absolute_h: int) -> Limit:
    return Limit(idle_min * _MINUTE_MS, absolute_h * _HOUR_MS)


LIMITS: Final = {
    Role.OPERATOR: _limit(10, 8),
    Role.SECURITY_ADMIN: _limit(10, 8),
    Role.PRIVACY_OFFICER: _limit(15, 8),
    Role.MODERATOR: _limit(15, 8),
    Role.COORDINATOR: _limit(15, 12),
    Role.CLINICIAN: _limit(15, 12),
    Role.INTERPRETER: _limit(30, 12),
    Role.MENTOR: _limit(30, 12),
    Role.PATIENT: _limit(30, 24),
}


class Over(enum.Enum):
    """Why a session is over by its clocks."""

    IDLE = "idle"
    ABSOLUTE = "absolute"


def absolute_end(role: Role, created_at: int) -> int:
    """When a session that begins at `created_at` ends whatever happens."""
    return created_at + LIMITS[role].absolute_ms


def idle_end(role: Role, active_at: int) -> int:
    """When a session ends unless its person does something before."""
    return active_at + LIMITS[role].idle_ms


def ends_next(role: Role, active_at: int, ends_at: int) -> int:
    """The nearer of the two ends: what a sweep compares with the present."""
    return min(idle_end(role, active_at), ends_at)


def over(role: Role, active_at: int, ends_at: int, now: int) -> Over | None:
    """Which limit is reached at `now`; None while the session lives. The absolute one is named first."""
    if now >= ends_at:
        return Over.ABSOLUTE
    return Over.IDLE if now >= idle_end(role, active_at) else None
