"""Responses: what a reply over HTTP would say, as a worker says it (connect.md 6.1)."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

import pytest

from inngest_asgi.connect.frames import to_frame
from inngest_asgi.connect.messages import ResponseStatus
from inngest_asgi.connect.protocol.connection import MAX_FRAME
from inngest_asgi.connect.session.responses import MAX_BODY, bounded, response_to
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import Header
from inngest_asgi.wire.replies import ErrorRecord, Reply, error_reply, ops_reply
from tests.connect.pairs import REQUEST


def test_a_response_echoes_the_request() -> None:
    response = response_to(REQUEST, Reply(200, b"1"))
    echoed = ("request_id", "account_id", "env_id", "app_id", "run_id")
    of = attrgetter(*echoed, "system_trace_ctx", "user_trace_ctx")
    assert of(response) == of(REQUEST)


def test_a_response_says_who_made_it() -> None:
    response = response_to(REQUEST, Reply(200, b"1"))
    assert response.sdk_version == f"inngest-asgi:v{VERSION}"
    assert response.request_version == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, b"1"), (ResponseStatus.DONE, False, None)),
        (ops_reply([]), (ResponseStatus.NOT_COMPLETED, False, None)),
        (ops_reply([], retry_after="30"), (ResponseStatus.NOT_COMPLETED, False, "30")),
        (
            error_reply(500, ErrorRecord("E", "no"), no_retry=False),
            (ResponseStatus.ERROR, False, None),
        ),
        (
            error_reply(400, ErrorRecord("E", "no"), no_retry=True),
            (ResponseStatus.ERROR, True, None),
        ),
        (Reply(500, b"", {Header.RETRY_AFTER: "9"}), (ResponseStatus.ERROR, False, "9")),
    ],
    ids=["done", "ops", "ops later", "error", "for good", "error later"],
)
def test_headers_and_status_become_fields(
    reply: Reply, expected: tuple[ResponseStatus, bool, str | None]
) -> None:
    response = response_to(REQUEST, reply)
    assert (response.status, response.no_retry, response.retry_after) == expected
    assert response.body == reply.body


def test_a_response_that_fits_stays_as_it_is() -> None:
    contexts = len(REQUEST.system_trace_ctx) + len(REQUEST.user_trace_ctx)
    response = response_to(REQUEST, Reply(200, bytes(MAX_BODY - contexts)))
    assert bounded(response) is response
    assert len(to_frame(response)) < MAX_FRAME


def test_a_response_that_does_not_fit_becomes_an_error_that_says_so() -> None:
    response = bounded(response_to(REQUEST, Reply(206, bytes(MAX_BODY))))
    assert (response.status, response.no_retry) == (ResponseStatus.ERROR, True)
    body = loads(response.body)
    assert body["code"] == "output_too_large"
    assert "8,3" in body["message"]


def test_a_trace_context_that_does_not_fit_is_left_out() -> None:
    request = replace(REQUEST, user_trace_ctx=bytes(MAX_FRAME))
    assert len(to_frame(bounded(response_to(request, Reply(200, b"1"))))) < 2000
