"""Why people talk: a code on each conversation, for access and audit (45 CFR 164.501; R8)."""

from enum import StrEnum, unique


@unique
class Purpose(StrEnum):
    """The purpose of use of a conversation."""

    TREATMENT = "treatment"
    PAYMENT = "payment"
    OPERATIONS = "operations"
    SUPPORT = "support"
    """Peer support and mentorship."""
