"""From a start request to an open socket, and what kind of failure it is when there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.connect.dialling import dial
from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.errors import ApiError, ConfigError, ConnectAuthError

if TYPE_CHECKING:
    from inngest_asgi.connect.dialling import Socket
    from inngest_asgi.connect.exchange import Exchange
    from inngest_asgi.connect.messages import StartResponse
    from inngest_asgi.connect.notes import Notes
    from inngest_asgi.connect.options import ConnectOptions
    from inngest_asgi.settings import Settings


@dataclass(frozen=True, slots=True)
class NotOpened:
    """Why there is no socket: the kind of failure, a sentence, the gateway's group if known."""

    failure: Failure
    sentence: str
    group: str = ""


class Opening:
    """Opens sockets.

    Args:
        exchange: makes the start request.
        options: may know the gateway better than the server does.
        settings: so may the environment.
        notes: the log.
    """

    def __init__(
        self, exchange: Exchange, options: ConnectOptions, settings: Settings, notes: Notes
    ) -> None:
        self._exchange = exchange
        self._options = options
        self._settings = settings
        self._notes = notes

    async def open(
        self, exclude_gateways: tuple[str, ...]
    ) -> tuple[StartResponse, Socket] | NotOpened:
        """Make one attempt. It raises nothing: whatever goes wrong, there will be another one."""
        group = ""
        try:
            start = await self._exchange.start(exclude_gateways)
            group = start.gateway_group
            url = self._options.gateway(start.gateway_endpoint, self._settings)
            return start, await dial(url)
        except ConnectAuthError as error:
            return NotOpened(Failure.AUTH, str(error))
        except ApiError as error:
            return NotOpened(_failure_of(error), str(error), group)
        except ConfigError as error:
            return NotOpened(Failure.REJECTED, str(error))
        except Exception as error:  # noqa: BLE001 - the worker's edge: it goes on trying
            self._notes.unexpected()
            return NotOpened(Failure.REJECTED, f"{type(error).__name__}: {error}")


def _failure_of(error: ApiError) -> Failure:
    status = error.status
    if status == 429:
        return Failure.BUSY
    return Failure.AWAY if status is None or status >= 500 else Failure.REJECTED
