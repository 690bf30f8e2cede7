"""What `inspect.signature` and editors are told of a model that pydantic has not built yet."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo


class Keywords:
    """The signature of a model that is built when it is first used: its fields, by keyword.

    Set it as a class's `__signature__`; pydantic puts its own there once it has built the model.
    """

    def __get__(self, model: BaseModel | None, kind: type[BaseModel]) -> inspect.Signature:
        return inspect.Signature([_parameter(*field) for field in kind.model_fields.items()])


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    empty = inspect.Parameter.empty
    default = empty if field.is_required() else field.get_default(call_default_factory=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=field.annotation)
