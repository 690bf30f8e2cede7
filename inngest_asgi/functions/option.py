"""The base of every option a user builds; it checks names and types, never values.

Values are checked when a function is declared with the option (see `checks`), because only then
can the message name the function.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, SkipValidation, ValidationError

from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.durations import Duration
from inngest_asgi.wire.keywords import Keywords

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Record = dict[str, Any]
"""A JSON object of a registration (http.md 8)."""

Period = Annotated[Duration, SkipValidation]
"""A duration that is checked at declaration, so that the function is named."""

Deadline = Annotated[Duration | datetime, SkipValidation]
"""A duration, or a moment with a time zone, checked at declaration."""


class Option(BaseModel):
    """A group of settings: keyword-only, strict about types, and not to be changed afterwards.

    Raises:
        ConfigError: an unknown or missing keyword, or a value of the wrong type.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        defer_build=True,  # most options are never used
    )

    __signature__ = Keywords()

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError(_explain(type(self), error)) from None


def _explain(option: type[Option], error: ValidationError) -> str:
    return " ".join(_sentence(option, detail) for detail in error.errors())


def _sentence(option: type[Option], detail: ErrorDetails) -> str:
    name, field = option.__name__, detail["loc"][0]
    if detail["type"] == "extra_forbidden":
        return f"{name} has no option {field!r}; it takes {', '.join(option.model_fields)}."
    if detail["type"] == "missing":
        return f"{name}.{field} is missing; pass {name}({field}=...)."
    # pydantic says "Input should be a valid integer"; the field takes the place of "Input".
    demand = detail["msg"].removeprefix("Input ")
    return f"{name}.{field} {demand}, got {detail['input']!r}."
