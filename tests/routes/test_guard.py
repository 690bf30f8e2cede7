"""Who may ask, and what they are told: signatures, strangers, keys, signed responses."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.routes.guard import Caller
from tests.routes.asking import (
    FALLBACK,
    KEY,
    NOW,
    ORDERED,
    STRANGE,
    Answer,
    Api,
    app_of,
    ask,
    asked,
    body_of,
    call,
    called,
    cloud_client,
    dev_client,
    shows_no_key,
    signed,
)

if TYPE_CHECKING:
    from tests.routes.asking import Headers

BODY = body_of(call())
LATE = signed(BODY, at=NOW - 301)
EARLY = signed(BODY, at=NOW + 301)


def cloud_call(headers: Headers | list[tuple[str, str]], body: bytes = BODY) -> Answer:
    return called(app_of(cloud_client()), headers=headers, body=body)


@pytest.mark.parametrize("key", [KEY, FALLBACK], ids=["primary", "fallback"])
def test_a_call_may_be_signed_with_either_key_and_is_answered_with_it(key: str) -> None:
    answer = cloud_call(signed(BODY, key))
    assert answer.status == 200
    assert answer.headers["x-inngest-signature"] == signed(answer.body, key)["x-inngest-signature"]


def test_the_signature_of_http_md_is_accepted_in_its_canonical_form() -> None:
    client = cloud_client()
    # http.md 5.3: this body must verify against the signature of `{"a":1,"b":[true,null,"x"]}`.
    signature = "c4f57ded513646d1694348211b1160967860de474247f73216f00c47883173be"
    answer = asked(
        app_of(client),
        "POST",
        body=b'{ "b": [true, null, "x"], "a": 1.0 }',
        headers={"x-inngest-signature": f"t={NOW}&s={signature}"},
    )
    assert answer.code == "query_param_missing"


def test_a_response_is_signed_over_its_raw_bytes() -> None:
    client = cloud_client()

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> dict[str, float]:
        return {"b": 2.0, "a": 1.0}

    answer = called(app_of(client), headers=signed(BODY), body=BODY)
    assert answer.body == b'{"b":2.0,"a":1.0}'
    assert answer.headers["x-inngest-signature"] == signed(answer.body)["x-inngest-signature"]


def test_a_refusal_of_a_signed_request_is_signed_too() -> None:
    answer = called(app_of(cloud_client()), query="", headers=signed(BODY), body=BODY)
    assert answer.status == 400
    assert answer.headers["x-inngest-signature"] == signed(answer.body)["x-inngest-signature"]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        pytest.param({}, BODY, "header_missing", id="unsigned"),
        pytest.param(signed(BODY, STRANGE), BODY, "sig_verification_failed", id="strange-key"),
        pytest.param(signed(BODY), b"{}", "sig_verification_failed", id="another-body"),
        pytest.param(LATE, BODY, "sig_verification_failed", id="too-old"),
        pytest.param(EARLY, BODY, "sig_verification_failed", id="from-the-future"),
        pytest.param(signed(b"x"), b"y", "sig_verification_failed", id="not-json"),
        pytest.param(signed(b"x"), b'{"a":1e999}', "sig_verification_failed", id="not-canonical"),
        pytest.param(signed(b"x"), b"[" * 9999, "sig_verification_failed", id="deeply-nested"),
        pytest.param(signed(b"x"), b"\xff\xfe", "sig_verification_failed", id="not-utf-8"),
        *(
            pytest.param({"x-inngest-signature": text}, BODY, "sig_verification_failed", id=name)
            for name, text in {
                "empty": "",
                "no-time": "s=" + "0" * 64,
                "no-mac": f"t={NOW}",
                "time-is-text": "t=abc&s=" + "0" * 64,
                "time-is-huge": "t=" + "9" * 400 + "&s=" + "0" * 64,
                "mac-is-short": f"t={NOW}&s=00",
                "mac-is-not-ascii": f"t={NOW}&s=" + "ä" * 64,
                "swapped": "s=" + "0" * 64 + f"&t={NOW}",
            }.items()
        ),
    ],
)
def test_a_call_that_is_not_signed_well_is_a_401_for_strangers(
    headers: Headers, body: bytes, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = cloud_call(headers, body)
    assert answer.status == 401
    assert answer.code == code
    assert answer.document.keys() == {"code", "message"}
    assert answer.headers.keys() == {"content-type", "content-length", "x-inngest-sdk-handled"}
    assert shows_no_key(answer, caplog)
    assert not caplog.records


@pytest.mark.parametrize("at", [NOW - 300, NOW, NOW + 300], ids=["old", "now", "ahead"])
def test_five_minutes_are_tolerated_both_ways(at: int) -> None:
    assert cloud_call(signed(BODY, at=at)).status == 200


def test_the_first_of_two_signatures_counts() -> None:
    good, bad = signed(BODY).items(), signed(BODY, STRANGE).items()
    assert cloud_call([*good, *bad]).status == 200
    assert cloud_call([*bad, *good]).status == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_the_app_boots_without_a_signing_key_and_says_what_to_set(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(inngest.Inngest("shop"))
    answers = [asked(app, method, query="fnId=shop-pay", body=BODY) for _ in range(3)]
    for answer in answers:
        assert answer.status == 500
        assert answer.code == "signing_key_unspecified"
        assert "INNGEST_SIGNING_KEY" in answer.document["message"]
        assert "INNGEST_DEV=1" in answer.document["message"]
        assert "x-inngest-sdk" not in answer.headers
    assert len(caplog.records) == 1
    assert caplog.records[0].levelname == "ERROR"


def test_a_key_that_is_set_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(inngest.Inngest("shop"))
    assert called(app, headers=signed(BODY), body=BODY).status == 500
    monkeypatch.setenv("INNGEST_SIGNING_KEY", KEY)
    assert called(app, headers=signed(BODY), body=BODY).status == 200


def test_a_key_without_a_secret_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of(cloud_client(signing_key="signkey-test-", signing_key_fallback=None))
    answer = called(app, headers=signed(BODY, ""), body=BODY)
    assert answer.status == 500
    assert "INNGEST_SIGNING_KEY" in answer.document["message"]


@pytest.mark.parametrize(
    ("options", "headers", "extra"),
    [
        pytest.param({}, {}, set(), id="no-key"),
        pytest.param({}, signed(BODY), set(), id="signed-but-no-key"),
        pytest.param({"signing_key": KEY}, {}, set(), id="key-but-unsigned"),
        pytest.param({"signing_key": KEY}, signed(BODY, STRANGE), set(), id="signed-wrongly"),
        pytest.param({"signing_key": KEY}, signed(BODY), {"x-inngest-signature"}, id="signed"),
    ],
)
def test_dev_mode_lets_everybody_in_and_signs_for_those_who_signed(
    options: dict[str, Any], headers: Headers, extra: set[str]
) -> None:
    answer = called(app_of(dev_client(**options)), headers=headers, body=BODY)
    assert answer.status == 200
    assert answer.headers.keys() & {"x-inngest-signature"} == extra


def test_known_callers_are_told_who_we_are() -> None:
    answer = cloud_call(signed(BODY))
    assert re.fullmatch(r"inngest-asgi:v\d+\.\d+\.\d+\S*", answer.headers["x-inngest-sdk"])
    assert answer.headers["x-inngest-req-version"] == "2"
    assert answer.headers["x-inngest-framework"] == "asgi"
    assert answer.headers["x-inngest-no-retry"] == "false"
    assert answer.headers["x-inngest-sdk-handled"] == "true"
    assert "x-inngest-env" not in answer.headers


def test_the_environment_is_named_in_responses() -> None:
    assert called(app_of(dev_client(env="pr-7"))).headers["x-inngest-env"] == "pr-7"


def test_the_platform_is_named_in_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER", "true")
    assert called(app_of(dev_client())).headers["x-inngest-platform"] == "render"


def test_a_caller_does_not_show_the_key_that_proved_it() -> None:
    assert KEY not in repr(Caller(known=True, key=KEY))


def test_an_environment_with_a_line_break_does_not_become_a_header() -> None:
    answer = called(app_of(dev_client(env="a\nset-cookie: b=c")))
    assert answer.status == 200
    assert "x-inngest-env" not in answer.headers


def test_an_unexpected_error_is_a_500_without_its_text_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A bug of ours, here that of a user's clock, must neither end the server nor be shown.
    class Broken:
        def time(self) -> float:
            raise RuntimeError("the battery is empty")

        def nanoseconds(self) -> int:
            return 0

    app = inngest.serve(cloud_client(Api()), clock=Broken())  # type: ignore[arg-type]
    answer = called(app, headers=signed(BODY), body=BODY)
    assert answer.status == 500
    assert answer.code == "internal_server_error"
    assert answer.document["message"] == (
        "Something unexpected went wrong; the application's log says more."
    )
    assert "the battery is empty" in caplog.text


def test_a_wrong_setting_is_a_500_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "0")
    answer = called(app_of(dev_client()))
    assert answer.status == 500
    assert answer.code == "internal_server_error"
    assert "INNGEST_THREAD_POOL_MAX_WORKERS" in answer.document["message"]
    assert "INNGEST_THREAD_POOL_MAX_WORKERS" in caplog.text
    assert answer.headers["x-inngest-no-retry"] == "false"


def test_a_large_body_with_a_wrong_signature_does_not_hold_up_other_calls() -> None:
    app = app_of(cloud_client())
    large = b"[" + b"1.5," * 250_000 + b"1]"
    ended: list[int] = []

    async def post(body: bytes, headers: Headers) -> None:
        answer = await ask(app, "POST", query="fnId=shop-pay", body=body, headers=headers)
        ended.append(answer.status)

    async def both() -> None:
        await asyncio.gather(post(large, signed(large, STRANGE)), post(BODY, signed(BODY)))

    asyncio.run(both())
    assert ended == [200, 401]


def test_a_large_call_of_a_server_does_not_wait_for_threads() -> None:
    app = app_of(cloud_client())
    large = body_of(call() | {"padding": "x" * 100_000})

    async def run() -> Answer:
        with ThreadPoolExecutor(1) as busy:
            asyncio.get_running_loop().set_default_executor(busy)
            done = threading.Event()
            busy.submit(done.wait)
            try:
                headers = signed(large)
                return await asyncio.wait_for(
                    ask(app, "POST", query="fnId=shop-pay", body=large, headers=headers), 10
                )
            finally:
                done.set()

    assert asyncio.run(run()).status == 200


def test_a_large_body_that_was_signed_in_canonical_form_is_accepted() -> None:
    body = body_of(call() | {"padding": "x" * 100_000})
    assert cloud_call(signed(body), b" " + body).status == 200
