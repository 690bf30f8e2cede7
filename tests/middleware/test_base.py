"""The class to derive from."""

from __future__ import annotations

import pytest

from inngest_asgi.middleware.base import Middleware, MiddlewareSync


@pytest.mark.parametrize("kind", [Middleware, MiddlewareSync])
def test_it_keeps_the_client_and_the_request(kind: type[Middleware]) -> None:
    member = kind("client", "request")
    assert (member.client, member.raw_request) == ("client", "request")


def test_the_blocking_form_is_accepted_wherever_the_other_is() -> None:
    assert issubclass(MiddlewareSync, Middleware)
