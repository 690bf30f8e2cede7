"""What a worker says in the log: sentences for people, fields for machines, never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.session.states import ConnectionState

if TYPE_CHECKING:
    import logging

    from inngest_asgi.connect.messages import ExecutorRequest, Response
    from inngest_asgi.connect.session.actions import Ignored

_STATES = {
    ConnectionState.ACTIVE: "The worker is connected and takes requests (connection %s)",
    ConnectionState.RECONNECTING: "The worker has lost its connection and opens another",
    ConnectionState.CLOSING: "The worker takes nothing new and finishes what it has",
    ConnectionState.CLOSED: "The worker is closed",
}


class Notes:
    """The log of one worker. Each record has the fields it speaks of as attributes, too.

    Args:
        logger: where to write.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._last_problem = ""
        self._last_flush = ""

    def state(self, state: ConnectionState, connection_id: str | None) -> None:
        """Tell of a new state."""
        args = (connection_id,) if state is ConnectionState.ACTIVE else ()
        if state is ConnectionState.ACTIVE:
            self._last_problem = self._last_flush = ""
        extra = {"connect_state": state.value, "connection_id": connection_id}
        self._logger.info(_STATES[state], *args, extra=extra)

    def problem(self, sentence: str, retry_in: float | None) -> None:
        """Tell why there is no connection; the same reason again is for those who look closely."""
        write = self._logger.debug if sentence == self._last_problem else self._logger.warning
        self._last_problem = sentence
        if retry_in is None:
            write("The worker is not connected: %s", sentence)
        else:
            write("The worker is not connected: %s Next attempt in %.1f s.", sentence, retry_in)

    def skipped(self, request: ExecutorRequest, why: Ignored) -> None:
        """Tell of a request that was left to others."""
        self._logger.debug(
            "Request %s is left to other workers: %s",
            request.request_id,
            why.value,
            extra=_fields(request),
        )

    def lease_lost(self, request: ExecutorRequest) -> None:
        """Tell that somebody else may run a request by now."""
        self._logger.warning(
            "The lease of request %s (%s, run %s) is lost: another worker may have it by now. "
            "Async code is cancelled; blocking code ends by itself.",
            request.request_id,
            request.function_slug,
            request.run_id,
            extra=_fields(request),
        )

    def not_flushed(self, response: Response, error: Exception) -> None:
        """Tell of a flush that failed; that the same failed again is for those who look closely."""
        write = self._logger.debug if str(error) == self._last_flush else self._logger.warning
        self._last_flush = str(error)
        write(
            "The reply to request %s (run %s) was not delivered over HTTP: %s",
            response.request_id,
            response.run_id,
            error,
            extra=_fields(response),
        )

    def undelivered(self, response: Response, why: str) -> None:
        """Tell of a reply that is lost; the server will run its request again."""
        self._logger.error(
            "The reply to request %s (run %s) could not be delivered, so the server will try that "
            "call again: %s",
            response.request_id,
            response.run_id,
            why,
            extra=_fields(response),
        )

    def signalled(self, signal: str) -> None:
        """Tell that a signal asks the worker to stop."""
        self._logger.info("%s: the worker stops. Once more ends it at once.", signal)

    def time_is_up(self, running: int) -> None:
        """Tell that requests did not end within `shutdown_timeout`."""
        self._logger.warning(
            "%d requests did not end within shutdown_timeout and are dropped; the server will try "
            "them again.",
            running,
        )

    def loop_gone(self) -> None:
        """Tell that the user's event loop was closed under a running worker."""
        self._logger.error(
            "The event loop that started the worker is closed, so it stops. "
            "Close the worker first: `await worker.close(wait=True)`."
        )

    def unexpected(self) -> None:
        """Log an exception that opening a connection raised and nobody foresaw."""
        self._logger.exception("A connection could not be opened")

    def broken(self, error: BaseException) -> None:
        """Log an exception that ends the worker."""
        self._logger.error("The worker has failed and stops", exc_info=error)


def _fields(about: ExecutorRequest | Response) -> dict[str, Any]:
    return {"request_id": about.request_id, "run_id": about.run_id}
