"""Error objects as runs, events and the API show them, and the server's own reasons to fail."""

from __future__ import annotations

from typing import Any

_KEPT = ("stack", "data", "cause", "code")
_MAX_TEXT = 4_000


def failure(name: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error object: a short summary under `error`, then name and message."""
    kept = {key: value for key, value in more.items() if value is not None}
    return {"error": f"{name}: {message}", "name": name, "message": message, **kept}


def function_failure(document: Any) -> dict[str, Any]:
    """Read the error a function was answered with, in any SDK's shape (http.md 11.3)."""
    if not isinstance(document, dict):
        text = document if isinstance(document, str) else "The function failed without a word."
        return failure("Error", text[:_MAX_TEXT])
    more = {key: document.get(key) for key in _KEPT}
    name, message = _text(document.get("name")), _text(document.get("message"))
    return failure(name or "Error", message or _text(document.get("error")), **more)


def op_failure(error: dict[str, Any]) -> dict[str, Any]:
    """Return the error of an op as it is kept in a memo (steps.md 6)."""
    return {key: value for key, value in error.items() if key != "noRetry"}


def not_ready(code: str, message: str) -> dict[str, Any]:
    """Return the error of an attempt that never reached user code."""
    return failure("Error", message, code=code)


def too_many_steps(limit: int) -> dict[str, Any]:
    """Return the error of a run with more steps than a run may have."""
    return failure(
        "InngestErrFunctionOverflowed", f"The run has more than {limit} steps; split the function."
    )


def state_too_large(limit: int) -> dict[str, Any]:
    """Return the error of a run whose steps returned more than a run may hold."""
    return failure(
        "InngestErrStateOverflowed",
        f"The steps of the run returned more than {limit:,} bytes together; "
        "keep large data elsewhere and return where it is.",
    )


def timeout_too_long(text: str) -> dict[str, Any]:
    """Return the error of a run that wants to wait longer than a server allows."""
    return failure("InngestErrTimeoutTooLong", f"{text} is longer than 366 days.")


def signal_taken() -> dict[str, Any]:
    """Return the error of a run that waits for a signal which another wait is for already."""
    message = "Signal conflict; signal wait already exists for another run"
    return failure("Error", message)


def invoke_timed_out() -> dict[str, Any]:
    """Return the error of a step whose invoked function did not end in time (steps.md 6)."""
    message = "Timed out waiting for invoked function to complete"
    return failure("InngestInvokeTimeoutError", message)


def function_unknown(name: str) -> dict[str, Any]:
    """Return the error of a step that invokes a function which is not registered."""
    return failure("Error", f"could not find function with ID: {name}")


def cancelled(reason: str) -> dict[str, Any]:
    """Return the error of a run that was cancelled."""
    return failure("InngestErrFunctionCancelled", reason)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
