"""How connections end: close codes, reasons, and what they mean in a sentence (connect.md 11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class CloseCode(IntEnum):
    """The WebSocket close codes that the protocol uses; ABNORMAL stands for none at all."""

    NORMAL = 1000
    GOING_AWAY = 1001
    ABNORMAL = 1006
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    UNEXPECTED = 4001


class Reason(StrEnum):
    """The reasons that stand beside a close code, as machines read them."""

    WORKER_SHUTDOWN = "WORKER_SHUTDOWN"
    UNEXPECTED = "UNEXPECTED"
    HEARTBEATS_MISSED = "CONSECUTIVE_HEARTBEATS_MISSED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    GATEWAY_CLOSING = "connect_gateway_closing"
    HELLO_TIMEOUT = "connect_worker_hello_timeout"
    HELLO_INVALID_MESSAGE = "connect_worker_hello_invalid_msg"
    HELLO_INVALID_PAYLOAD = "connect_worker_hello_invalid_payload"
    AUTHENTICATION_FAILED = "connect_authentication_failed"
    TOO_MANY_APPS = "connect_too_many_apps_per_connection"
    INVALID_FUNCTION_CONFIG = "connect_invalid_function_config"
    ACK_INVALID = "connect_worker_request_ack_invalid_payload"
    EXTEND_LEASE_INVALID = "connect_worker_request_extend_lease_invalid_payload"
    INVALID_MESSAGE = "connect_run_invalid_message"
    INTERNAL_ERROR = "connect_internal_error"


@dataclass(frozen=True, slots=True)
class Close:
    """A close code and the reason beside it, as one end tells the other."""

    code: int
    reason: str

    @property
    def refuses(self) -> bool:
        """Whether the gateway answered and said no, so that asking again at once is in vain."""
        return self.code == CloseCode.POLICY and self.reason not in _NO_REFUSALS

    def explain(self) -> str:
        """Return a sentence for logs and readiness: what happened, and what to do if anything."""
        sentence = _SENTENCES.get(self.reason)
        if sentence is None and self.refuses:
            sentence = f"The server did not accept an app of this worker ({self.reason})."
        return sentence or f"The connection was closed ({self.code} {self.reason or 'no reason'})."


SHUTDOWN = Close(CloseCode.NORMAL, Reason.WORKER_SHUTDOWN)
"""The worker stops, or goes over to another connection."""

UNEXPECTED = Close(CloseCode.UNEXPECTED, Reason.UNEXPECTED)
"""The worker cannot make sense of the gateway."""

UNRESPONSIVE = Close(CloseCode.UNEXPECTED, Reason.HEARTBEATS_MISSED)
"""The worker hears no heartbeats."""

DRAINED = Close(CloseCode.GOING_AWAY, Reason.GATEWAY_CLOSING)
"""The gateway shuts down."""

_UNREADABLE = "The gateway could not read what arrived from this worker."

_NO_REFUSALS = frozenset(
    {
        Reason.GATEWAY_CLOSING,
        Reason.HELLO_TIMEOUT,
        Reason.HEARTBEATS_MISSED,
        Reason.ACK_INVALID,
        Reason.EXTEND_LEASE_INVALID,
        Reason.INVALID_MESSAGE,
        Reason.INTERNAL_ERROR,
    }
)

_SENTENCES: dict[str, str] = {
    Reason.WORKER_SHUTDOWN: "The worker closed the connection.",
    Reason.UNEXPECTED: "The gateway said something that has no meaning in the connect protocol; "
    "check that the gateway's address is that of an Inngest gateway.",
    Reason.HEARTBEATS_MISSED: "Heartbeats were missed: the other end, or the network, is gone.",
    Reason.MESSAGE_TOO_LARGE: "A message was larger than the gateway takes (8 MB).",
    Reason.GATEWAY_CLOSING: "The gateway shuts down; another one is looked for.",
    Reason.HELLO_TIMEOUT: "The handshake took too long.",
    Reason.HELLO_INVALID_MESSAGE: "The gateway expected this worker to introduce itself.",
    Reason.HELLO_INVALID_PAYLOAD: "The gateway could not read who this worker is; "
    "give it an instance_id and at least one app.",
    Reason.AUTHENTICATION_FAILED: "The gateway did not accept the session token; "
    "a new one is asked for.",
    Reason.TOO_MANY_APPS: "There are more apps on this connection than the account may have "
    "(10, unless the server says otherwise); spread them over several workers.",
    Reason.INVALID_FUNCTION_CONFIG: "The server did not accept the configuration of a function.",
    Reason.ACK_INVALID: _UNREADABLE,
    Reason.EXTEND_LEASE_INVALID: _UNREADABLE,
    Reason.INVALID_MESSAGE: _UNREADABLE,
    Reason.INTERNAL_ERROR: "The gateway failed.",
}
