"""What the tests of declarations share: a function declared with given options, and its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.functions.declare import declare
from inngest_asgi.functions.triggers import TriggerEvent

if TYPE_CHECKING:
    from inngest_asgi.engine.context import Context, ContextSync
    from inngest_asgi.functions.function import Function

URL = "https://app.example/api/inngest"
PAID = TriggerEvent(event="shop/paid")


async def handle(ctx: Context) -> str:
    """Stand for an async handler."""
    return "async"


def handle_sync(ctx: ContextSync) -> str:
    """Stand for a blocking handler."""
    return "blocking"


def declared(handler: Any = handle, **options: Any) -> Function[Any]:
    """Declare the function "shop-pay", or what the options say."""
    given: dict[str, Any] = {"fn_id": "pay", "trigger": PAID} | options
    function: Function[Any] = declare("shop", **given)(handler)
    return function


def registered(**options: Any) -> dict[str, Any]:
    """Return the record of a function with these options, without what every record has."""
    (record,) = declared(**options).records(URL)
    usual = ("id", "name", "steps") if "trigger" in options else ("id", "name", "steps", "triggers")
    return {key: value for key, value in record.items() if key not in usual}
