"""The one catalogue of refusals and endings.

A `Refusal` is a value: a stable code for programs, a short reason for people, whether the same request may succeed
later, the HTTP status it has on that side of the house, and, if it ends a socket, the close code. Close codes 4400-4499
mean "do not reconnect with what you have", 4500-4599 "reconnect with back-off". The three below 4000 are those of
RFC 6455 section 7.4.1. Nothing that a peer sent ever enters a reason.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be told no. `closes` is the WebSocket close code, None where the socket lives on."""

    code: str
    reason: str
    retry: bool = False
    status: int = 400
    closes: int | None = None


CATALOGUE: Final[dict[str, Refusal]] = {}


def _entry(code: str, reason: str, *, retry: bool = False, status: int = 400, closes: int | None = None) -> Refusal:
    refusal = Refusal(code, reason, retry, status, closes)
    if code in CATALOGUE:
        raise ValueError(code)
    CATALOGUE[code] = refusal
    return refusal


# The bytes were not the protocol.
PROTOCOL_ERROR: Final = _entry("protocol_error", "The WebSocket rules were broken.", closes=1002)
NOT_BINARY: Final = _entry("not_binary", "This protocol is binary.", closes=1003)
NOT_UTF8: Final = _entry("not_utf8", "The close reason was not UTF-8.", closes=1007)
TOO_BIG: Final = _entry("too_big", "The message is larger than allowed.", status=413, closes=1009)
MALFORMED: Final = _entry("malformed", "The frame could not be read.", closes=4400)
OUT_OF_ORDER: Final = _entry("out_of_order", "That frame is not allowed now.", closes=4401)

# Who you are.
HELLO_REFUSED: Final = _entry("hello_refused", "The hello was not accepted.", status=401, closes=4402)
SESSION_ENDED: Final = _entry("session_ended", "The session has ended. Sign in again.", status=401, closes=4403)
DEVICE_REMOVED: Final = _entry("device_removed", "This device was removed from its account.", status=403, closes=4404)
ACCOUNT_DISABLED: Final = _entry("account_disabled", "The account is disabled.", status=403, closes=4405)
REPLACED: Final = _entry("replaced", "This device connected elsewhere.", closes=4406)
SIGNED_OFF: Final = _entry("signed_off", "Goodbye.", closes=4407)

# Come back.
RESUME_ELSEWHERE: Final = _entry("resume_elsewhere", "The server is restarting.", retry=True, status=503, closes=4500)
SLOW_CONSUMER: Final = _entry("slow_consumer", "Deliveries were not taken in time.", retry=True, closes=4501)
HELLO_LATE: Final = _entry("hello_late", "No hello came in time.", retry=True, closes=4502)
SILENT: Final = _entry("silent", "Nothing was heard from the client.", retry=True, closes=4503)
STORE_LOST: Final = _entry("store_lost", "The store cannot be read.", retry=True, status=503, closes=4504)
TOO_MANY_CONNECTIONS: Final = _entry(
    "too_many_connections", "Too many connections.", retry=True, status=503, closes=4505
)
INTERNAL: Final = _entry("internal", "Something went wrong.", retry=True, status=500, closes=4506)

# A send that was not accepted.
NOT_MEMBER: Final = _entry("not_member", "Not a member of that conversation.", status=404)
WRONG_DEVICES: Final = _entry(
    "wrong_devices", "The devices named are not those of the conversation.", retry=True, status=409
)
STALE_KEY: Final = _entry("stale_key", "A box was sealed to a replaced key.", retry=True, status=409)
NUMBER_REUSED: Final = _entry("number_reused", "That number belongs to another message.", status=409)
NO_DEVICE: Final = _entry("no_device", "Nobody in the conversation can receive now.", retry=True, status=409)
BAD_BOX: Final = _entry("bad_box", "A box has none of the six lengths.")
NOT_SAVED: Final = _entry("not_saved", "It could not be saved. Nothing was sent.", retry=True, status=503)
UNKNOWN_DELIVERY: Final = _entry(
    "unknown_delivery", "That delivery is not waiting for an acknowledgement.", closes=4408
)

# HTTP.
BAD_REQUEST: Final = _entry("bad_request", "The request could not be read.")
UNAUTHENTICATED: Final = _entry("unauthenticated", "Sign in first.", status=401)
SIGN_IN_REFUSED: Final = _entry("sign_in_refused", "The name or the password is wrong.", status=401)
INVITATION_REFUSED: Final = _entry("invitation_refused", "The invitation is not valid.", status=403)
NAME_TAKEN: Final = _entry("name_taken", "That sign-in name is not free.", status=409)
STATEMENT_REFUSED: Final = _entry("statement_refused", "The signed statement was not accepted.", status=403)
LIST_REFUSED: Final = _entry("list_refused", "The device list was not accepted.", status=409)
BUNDLE_REFUSED: Final = _entry("bundle_refused", "The key bundle was not accepted.", status=409)
CLOCK_WRONG: Final = _entry("clock_wrong", "The date is more than five minutes off.", status=409)
TOO_MANY_DEVICES: Final = _entry("too_many_devices", "The conversation would have too many devices.", status=409)
NOT_FOUND: Final = _entry("not_found", "There is nothing here for you.", status=404)
METHOD_NOT_ALLOWED: Final = _entry("method_not_allowed", "That method is not offered here.", status=405)
TOO_FAST: Final = _entry("too_fast", "Too many attempts. Wait a little.", retry=True, status=429)
