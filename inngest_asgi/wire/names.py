"""The words of the wire: headers, opcodes, error codes, how we name ourselves. Only constants."""

from __future__ import annotations

from enum import StrEnum

from inngest_asgi.version import VERSION

SDK_HEADER = f"inngest-asgi:v{VERSION}"
SDK_REGISTERED = f"asgi:v{VERSION}"
SDK_LANGUAGE = "py"
SDK_AUTHOR = "inngest-asgi"
FRAMEWORK = "asgi"
REQUEST_VERSION = "2"
SCHEMA_VERSION = "2024-05-24"
NO_EVENT_KEY = "NO_EVENT_KEY_SET"
WHOLE_FUNCTION = "step"
INTERNAL_PREFIX = "inngest/"


class Header:
    """Header names, in lower case as ASGI carries them (http.md 4)."""

    SIGNATURE = "x-inngest-signature"
    SDK = "x-inngest-sdk"
    FRAMEWORK = "x-inngest-framework"
    PLATFORM = "x-inngest-platform"
    ENV = "x-inngest-env"
    SERVER_KIND = "x-inngest-server-kind"
    EXPECTED_SERVER_KIND = "x-inngest-expected-server-kind"
    SYNC_KIND = "x-inngest-sync-kind"
    REQUEST_VERSION = "x-inngest-req-version"
    NO_RETRY = "x-inngest-no-retry"
    RETRY_AFTER = "retry-after"
    RUN_ID = "x-run-id"
    STEP_ID = "x-inngest-step-id"
    REQUEST_ID = "x-request-id"
    GENERATION_ID = "x-inngest-generation-id"
    JOB_ID = "x-inngest-job-id"
    ACCOUNT_ID = "account-id"
    EVENT_ID_SEED = "x-inngest-event-id-seed"
    SDK_HANDLED = "x-inngest-sdk-handled"
    SERVER_TIMING = "server-timing"
    TRACEPARENT = "traceparent"
    TRACESTATE = "tracestate"


class Opcode(StrEnum):
    """Names of ops as they stand in JSON (steps.md 2)."""

    NONE = "None"
    STEP = "Step"
    STEP_RUN = "StepRun"
    STEP_ERROR = "StepError"
    STEP_FAILED = "StepFailed"
    STEP_PLANNED = "StepPlanned"
    SLEEP = "Sleep"
    WAIT_FOR_EVENT = "WaitForEvent"
    WAIT_FOR_SIGNAL = "WaitForSignal"
    INVOKE_FUNCTION = "InvokeFunction"
    AI_GATEWAY = "AIGateway"
    GATEWAY = "Gateway"


class ErrorCode(StrEnum):
    """Why something was refused or failed, as a machine reads it."""

    BODY_INVALID = "body_invalid"
    BODY_TOO_LARGE = "body_too_large"
    CLIENT_GONE = "client_gone"
    FUNCTION_NOT_FOUND = "function_not_found"
    HEADER_MISSING = "header_missing"
    INTERNAL_ERROR = "internal_server_error"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NON_RETRIABLE_ERROR = "non_retriable_error"
    NOT_FOUND = "not_found"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUTPUT_UNSERIALIZABLE = "output_unserializable"
    PROBE_UNKNOWN = "probe_unknown"
    QUERY_PARAM_MISSING = "query_param_missing"
    REGISTRATION_FAILED = "registration_failed"
    RETRY_AFTER_ERROR = "retry_after_error"
    SERVER_KIND_MISMATCH = "server_kind_mismatch"
    SIG_VERIFICATION_FAILED = "sig_verification_failed"
    SIGNING_KEY_UNSPECIFIED = "signing_key_unspecified"
    STEP_ERRORED = "step_errored"
    STEP_NESTED = "step_nested"
    STEP_UNEXPECTED = "step_unexpected"
    UNKNOWN = "unknown"


class ServerKind(StrEnum):
    """What kind of server or application one talks to (http.md 1)."""

    DEV = "dev"
    CLOUD = "cloud"


class SyncKind(StrEnum):
    """How an application was registered (http.md 7.1 and 9)."""

    IN_BAND = "in_band"
    OUT_OF_BAND = "out_of_band"
