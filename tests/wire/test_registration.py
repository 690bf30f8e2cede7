"""What registers an application, out of band and in band, and what counts as a registration."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.version import VERSION
from inngest_asgi.wire.registration import Registered, Registration, read_registered


def registration(**changes: Any) -> Registration:
    fields: dict[str, Any] = {
        "url": "https://shop.test/api/inngest",
        "app_id": "shop",
        "functions": [{"id": "shop-pay"}],
        "framework": "fastapi",
        "capabilities": {"trust_probe": "v1"},
        "app_version": None,
        "env": None,
        "platform": None,
    }
    return Registration(**fields | changes)


def test_what_is_not_known_is_left_out() -> None:
    assert registration().out_of_band() == {
        "url": "https://shop.test/api/inngest",
        "deployType": "ping",
        "framework": "fastapi",
        "appName": "shop",
        "v": "0.1",
        "sdk": f"asgi:v{VERSION}",
        "functions": [{"id": "shop-pay"}],
        "headers": {},
        "capabilities": {"trust_probe": "v1"},
    }


def test_what_is_known_is_told() -> None:
    told = registration(app_version="1.2", env="branch", platform="render").out_of_band()
    assert told["appVersion"] == "1.2"
    assert told["headers"] == {"env": "branch", "platform": "render"}


def test_in_band_a_version_that_is_not_known_is_left_out_and_other_names_are_null() -> None:
    assert registration().in_band({"mode": "dev"}) == {
        "app_id": "shop",
        "capabilities": {"trust_probe": "v1"},
        "env": None,
        "framework": "fastapi",
        "functions": [{"id": "shop-pay"}],
        "inspection": {"mode": "dev"},
        "platform": None,
        "sdk_author": "inngest-asgi",
        "sdk_language": "py",
        "sdk_version": VERSION,
        "sdk": f"inngest-asgi:v{VERSION}",
        "url": "https://shop.test/api/inngest",
        "featureObservations": {},
    }


def test_in_band_the_fields_have_the_order_of_the_protocol() -> None:
    # http.md 9
    fields = (
        "app_id appVersion capabilities env framework functions inspection platform sdk_author "
        "sdk_language sdk_version sdk url featureObservations"
    )
    assert list(registration(app_version="1.4.0").in_band({})) == fields.split()


@pytest.mark.parametrize(
    ("status", "document", "registered"),
    [
        pytest.param(
            200,
            {"ok": True, "modified": True, "message": "Done", "error": None},
            Registered(modified=True, error=None, message="Done"),
            id="modified",
        ),
        pytest.param(
            200,
            {"ok": True, "modified": False},
            Registered(modified=False, error=None, message="Successfully registered"),
            id="not modified",
        ),
        pytest.param(
            201,
            {"modified": "yes", "error": "", "status": 200},
            Registered(modified=False, error=None, message="Successfully registered"),
            id="odd but no refusal",
        ),
        pytest.param(
            200,
            {},
            Registered(modified=False, error=None, message="Successfully registered"),
            id="bare",
        ),
    ],
)
def test_a_registration_that_was_taken(status: int, document: Any, registered: Registered) -> None:
    assert read_registered(status, document) == registered


@pytest.mark.parametrize(
    ("status", "document", "error"),
    [
        pytest.param(400, {"error": "no app id"}, "no app id", id="error"),
        pytest.param(200, {"error": "no app id", "ok": True}, "no app id", id="error with 200"),
        pytest.param(200, {"error": {"code": 1}}, "{'code': 1}", id="error as object"),
        pytest.param(200, {"error": True, "message": "no"}, "True", id="error as bool"),
        pytest.param(200, {"ok": False, "message": "no"}, "no", id="not ok"),
        pytest.param(
            200, {"ok": False}, "the server answered with status 200", id="not ok, no more"
        ),
        pytest.param(200, {"status": 400}, "the server answered with status 400", id="own status"),
        pytest.param(401, {"message": "no key"}, "no key", id="message"),
        pytest.param(400, {"error": None}, "the server answered with status 400", id="status"),
        pytest.param(500, None, "the server answered with status 500", id="failure"),
        pytest.param(307, {}, "the server answered with status 307", id="redirect"),
        pytest.param(200, None, "the server answered with status 200", id="not JSON"),
        pytest.param(200, [], "the server answered with status 200", id="list"),
        pytest.param(200, "ok", "the server answered with status 200", id="text"),
    ],
)
def test_a_registration_that_was_refused(status: int, document: Any, error: str) -> None:
    assert read_registered(status, document) == Registered(
        modified=False, error=error, message=error
    )
