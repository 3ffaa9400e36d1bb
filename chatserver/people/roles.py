"""The roles (DESIGN section 6). A role is the operator's word: it decides clocks and later rights, never keys."""

from enum import StrEnum, unique


@unique
class Role(StrEnum):
    """What somebody is in the house. An account has exactly one."""

    OPERATOR = "operator"
    SECURITY_ADMIN = "security_admin"
    PRIVACY_OFFICER = "privacy_officer"
    MODERATOR = "moderator"
    COORDINATOR = "coordinator"
    CLINICIAN = "clinician"
    INTERPRETER = "interpreter"
    MENTOR = "mentor"
    PATIENT = "patient"
