"""`ctx.step.ai`, in both colours: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from inngest_asgi.engine.ops import wrap_op
from inngest_asgi.engine.ops_remote import infer_op

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from inngest_asgi.engine.services import Announcer, AnnouncerSync, InferAdapter

P = ParamSpec("P")
T = TypeVar("T")


class StepAI:
    """The AI steps of an async function: `ctx.step.ai`."""

    __slots__ = ("_drive",)

    def __init__(self, drive: Announcer) -> None:
        self._drive = drive

    async def infer(
        self, step_id: str, *, adapter: InferAdapter, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have the server ask an AI provider, while nothing runs and nothing is held here.

        Args:
            step_id: the step's id.
            adapter: the provider; see `InferAdapter`.
            body: the request, as the provider documents it.

        Returns:
            The provider's answer, as JSON data.

        Raises:
            StepError: the provider refused, or could not be reached, for good.
            ConfigError: the body cannot be JSON.
        """
        answer: dict[str, Any] = await self._drive.step(infer_op(step_id, adapter, body))
        return answer

    @overload
    async def wrap(
        self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    async def wrap(
        self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    async def wrap(
        self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Run a function that asks an AI provider, with its arguments recorded; else as `Step.run`.

        Args:
            step_id: the step's id.
            handler: an async or blocking function, such as a method of a provider's library.
            *args: passed to it, and shown with the run where they are JSON.
            **kwargs: passed to it.

        Returns:
            What the handler returned, rebuilt from the record to its return annotation.

        Raises:
            StepError: the step failed for good.
        """
        return await self._drive.step(wrap_op(step_id, handler, args, kwargs))


class StepAISync:
    """The AI steps of a blocking function: `ctx.step.ai`, called without `await`."""

    __slots__ = ("_drive",)

    def __init__(self, drive: AnnouncerSync) -> None:
        self._drive = drive

    def infer(
        self, step_id: str, *, adapter: InferAdapter, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have the server ask an AI provider; see `StepAI.infer`."""
        answer: dict[str, Any] = self._drive.step(infer_op(step_id, adapter, body))
        return answer

    @overload
    def wrap(
        self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    def wrap(
        self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    def wrap(self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a function that asks an AI provider; see `StepAI.wrap`."""
        return self._drive.step(wrap_op(step_id, handler, args, kwargs))
