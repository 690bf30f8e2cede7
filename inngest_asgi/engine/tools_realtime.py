"""`ctx.step.realtime`, in both colours: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from inngest_asgi.engine.ops_remote import publish_op

if TYPE_CHECKING:
    from inngest_asgi.engine.services import Announcer, AnnouncerSync, Services, Topic


class StepRealtime:
    """The realtime steps of an async function: `ctx.step.realtime`."""

    __slots__ = ("_drive", "_services")

    def __init__(self, drive: Announcer, services: Services) -> None:
        self._drive = drive
        self._services = services

    @overload
    async def publish(self, step_id: str, topic: Topic, data: Any) -> Any: ...
    @overload
    async def publish(self, step_id: str, topic: str, data: Any, *, channel: str) -> Any: ...
    async def publish(
        self, step_id: str, topic: Topic | str, data: Any, *, channel: str | None = None
    ) -> Any:
        """Publish a message once, however often the function is called.

        Who is subscribed to the topic at that moment gets it; nothing is kept for later.

        Args:
            step_id: the step's id.
            topic: an object with a `channel` and a `name`; or the topic's name.
            data: JSON data, or a pydantic model; as JSON at most 512 KiB.
            channel: the channel, such as "user:42", where the topic is given by its name.

        Returns:
            What was published, as JSON data.

        Raises:
            StepError: it could not be published.
            ConfigError: there is no channel, or no topic.
        """
        op = publish_op(step_id, topic, channel, data, self._services.publish)
        return await self._drive.step(op)


class StepRealtimeSync:
    """The realtime steps of a blocking function: `ctx.step.realtime`, called without `await`."""

    __slots__ = ("_drive", "_services")

    def __init__(self, drive: AnnouncerSync, services: Services) -> None:
        self._drive = drive
        self._services = services

    @overload
    def publish(self, step_id: str, topic: Topic, data: Any) -> Any: ...
    @overload
    def publish(self, step_id: str, topic: str, data: Any, *, channel: str) -> Any: ...
    def publish(
        self, step_id: str, topic: Topic | str, data: Any, *, channel: str | None = None
    ) -> Any:
        """Publish a message once; see `StepRealtime.publish`."""
        return self._drive.step(publish_op(step_id, topic, channel, data, self._services.publish))
