"""What an app's answers mean, as one table; and the parts of an op."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.answers import (
    Answer,
    Failed,
    NoAnswer,
    Reported,
    Returned,
    interpret,
)
from inngest_asgi.wire.codec import dumps

NOW = 1_735_689_600.0


def answer(status: int, body: Any, **headers: str) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    content = body if isinstance(body, bytes) else dumps(body)
    return Answer(status, {"x-inngest-sdk": "fake"} | named, content)


def envelope(status: Any, body: Any, **more: Any) -> Answer:
    return answer(201, b" \n " + dumps({"status": status, "body": body, **more}))


def error_of(given: Answer | NoAnswer) -> dict[str, Any]:
    outcome = interpret(given, NOW)
    assert isinstance(outcome, Failed)
    return outcome.error


def op_of(**fields: Any) -> Any:
    outcome = interpret(answer(206, [{"op": "StepRun", "id": "x", **fields}]), NOW)
    assert isinstance(outcome, Reported)
    return outcome.ops[0]


@pytest.mark.parametrize(
    ("given", "output"),
    [
        (answer(200, {"a": 1}), b'{"a":1}'),
        (answer(200, b""), b"null"),
        (answer(200, b" 7 "), b"7"),
        (answer(299, None), b"null"),
        (envelope(200, {"a": 1}), b'{"a":1}'),
        (envelope(200, '{"a":1}'), b'{"a":1}'),
        (envelope(200, "plain"), b'"plain"'),
        (envelope(200, '"text"'), b'"text"'),
        (envelope(200, ""), b"null"),
    ],
    ids=[
        *("json", "empty", "spaces", "any-2xx", "enveloped", "unwrapped", "text", "text-in-text"),
        "nothing-in-text",
    ],
)
def test_what_a_function_returned(given: Answer, output: bytes) -> None:
    assert interpret(given, NOW) == Returned(output)


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        (answer(500, {"name": "Oops", "message": "m"}), "Oops", "m"),
        (answer(500, {"message": "m"}), "Error", "m"),
        (answer(500, {"error": "e"}), "Error", "e"),
        (answer(500, {"name": 7}), "Error", ""),
        (answer(500, b"not json"), "Error", "not json"),
        (answer(500, [1]), "Error", "The function failed without a word."),
        (envelope(500, {"name": "Oops", "message": "m"}), "Oops", "m"),
        (envelope(500, "plain"), "Error", "plain"),
        (envelope(200, 1, error="stream broke"), "Error", "stream broke"),
    ],
    ids=[
        *("js", "go", "error", "odd-name", "text", "list", "enveloped", "enveloped-text"),
        "envelope-error",
    ],
)
def test_how_a_function_failed(given: Answer, name: str, message: str) -> None:
    error = error_of(given)
    assert (error["name"], error["message"]) == (name, message)
    assert error["error"] == f"{name}: {message}"


def test_details_of_an_error_are_kept() -> None:
    body = {"name": "A", "message": "b", "stack": "s", "cause": {"name": "C"}, "code": "d"}
    assert error_of(answer(500, body)) == body | {"error": "A: b"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer(201, b"  "), "not complete"),
        (answer(201, b"[]"), "not an envelope"),
        (envelope(None, 1), "no usable status"),
        (envelope(201, 1), "no usable status"),
        (envelope(200, 1, headers=[1]), "no usable status"),
        (answer(206, b""), "cannot be read"),
        (answer(206, [1]), "not a step"),
        (answer(206, [{"op": 7}]), "not a step"),
        (answer(206, [{"op": "StepRun"}]), "without an id"),
        (answer(206, [{"op": "StepRun", "id": "x", "opts": []}]), ""),
        (answer(206, [{"op": "StepRun", "id": "x", "opts": [1]}]), "opts or error"),
        (answer(206, [{"op": "StepError", "id": "x", "error": "no"}]), "opts or error"),
    ],
)
def test_garbled_answers_say_what_is_wrong(given: Answer, says: str) -> None:
    if says:
        assert says in error_of(given)["message"]
    else:
        assert isinstance(interpret(given, NOW), Reported)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (200, "not_sdk", "Check the path of the app's URL"),
        (204, "not_sdk", "Check the path of the app's URL"),
        (302, "http_not_ok", "It redirects to nowhere."),
        (401, "http_not_ok", "asks for a login"),
        (404, "http_not_ok", "Check the path of the app's URL"),
        (405, "http_not_ok", "takes no POST"),
        (413, "http_not_ok", "takes no requests of this size"),
        (418, "http_not_ok", "Check the path of the app's URL"),
        (500, "http_not_ok", "see the app's log"),
        (502, "http_not_ok", "Is it running?"),
        (504, "http_not_ok", "raise its timeout"),
        (700, "http_not_ok", "see the app's log"),
    ],
)
def test_what_is_no_sdk_is_told_with_advice(status: int, code: str, says: str) -> None:
    url = "http://app.test/api?fnId=one"
    error = error_of(Answer(status, {}, b"", url))
    assert error["code"] == code
    start = f"{url} answered with HTTP status {status}, but not as an Inngest SDK: "
    assert error["message"].startswith(start)
    assert says in error["message"]
    name = "Error" if code == "not_sdk" else "Server returned a fatal error"
    assert error["name"] == name


def test_an_app_with_another_key_is_told_from_a_stranger() -> None:
    error = error_of(Answer(401, {"x-inngest-sdk-handled": "true"}, b"{}", "http://app.test/"))
    assert error["code"] == "sig_verification_failed"
    assert "http://app.test/" in error["message"]
    assert "use the same signing key here and there" in error["message"]


def test_an_app_in_cloud_mode_without_a_key_is_told_from_a_stranger() -> None:
    error = error_of(Answer(500, {"x-inngest-sdk-handled": "true"}, b"{}", "http://app.test/"))
    assert error["code"] == "sig_verification_failed"
    assert "http://app.test/ is in cloud mode and serves nobody (status 500)" in error["message"]


def test_a_web_page_is_called_so() -> None:
    error = error_of(Answer(200, {"content-type": "Text/HTML; charset=utf-8"}, b"<html>"))
    assert error["message"].startswith("The URL of the app answered with HTTP status 200 and a web")


DEEP = b"[" * 300 + b"]" * 300


@pytest.mark.parametrize(
    "given",
    [
        answer(200, DEEP),
        answer(201, b'{"status":200,"body":' + DEEP + b"}"),
        answer(206, b'[{"op":"StepRun","id":"a","data":' + DEEP + b"}]"),
        answer(206, b'[{"op":"StepError","id":"a","error":{"cause":' + DEEP + b"}}]"),
        answer(206, b'[{"op":"StepRun","id":"a","opts":{"input":' + DEEP + b"}}]"),
        answer(500, b'{"name":"Error","cause":' + DEEP + b"}"),
    ],
    ids=["output", "streamed", "data", "error-of-a-step", "input", "error-of-the-function"],
)
def test_json_too_deep_to_be_kept_is_no_bug_of_the_server(given: Answer) -> None:
    outcome = interpret(given, NOW)
    assert isinstance(outcome, Failed)
    dumps([outcome.error])


def test_no_answer_is_a_failure_with_its_code() -> None:
    error = error_of(NoAnswer("http_unreachable", "It is down."))
    assert (error["code"], error["message"]) == ("http_unreachable", "It is down.")


@pytest.mark.parametrize(
    ("headers", "final", "retry_after"),
    [
        ({}, False, None),
        ({"x_inngest_no_retry": "true"}, True, None),
        ({"x_inngest_no_retry": "false"}, False, None),
        ({"x_inngest_no_retry": "maybe"}, False, None),
        ({"retry_after": "60"}, False, 60),
        ({"retry_after": "2025-01-01T00:01:00Z"}, False, 60),
        ({"retry_after": "2000-01-01T00:00:00Z"}, False, 1),
        ({"retry_after": "9999999"}, False, 86_400),
    ],
)
def test_retry_control(headers: dict[str, str], final: bool, retry_after: float | None) -> None:  # noqa: FBT001
    outcome = interpret(answer(500, {}, **headers), NOW)
    assert isinstance(outcome, Failed)
    assert (outcome.final, outcome.retry_after) == (final, retry_after)


def test_headers_of_an_envelope_win() -> None:
    body = dumps({"status": 500, "headers": {"X-Inngest-No-Retry": "true"}, "body": {}})
    outcome = interpret(answer(201, body, x_inngest_no_retry="false"), NOW)
    assert isinstance(outcome, Failed)
    assert outcome.final


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, None),
        ({"x_inngest_req_version": "2"}, 2),
        ({"x_inngest_req_version": "x"}, None),
        ({"x_inngest_req_version": "9" * 30}, None),
        ({"x_inngest_req_version": "9" * 5000}, None),
    ],
    ids=["none", "two", "no-number", "larger-than-the-store-takes", "larger-than-python-reads"],
)
def test_the_request_version_is_read(headers: dict[str, str], version: int | None) -> None:
    outcome = interpret(answer(206, [], **headers), NOW)
    assert outcome == Reported((), no_retry=False, retry_after=None, version=version)


def test_a_single_op_may_come_without_an_array() -> None:
    outcome = interpret(answer(206, {"op": "StepRun", "id": "x"}), NOW)
    assert isinstance(outcome, Reported)
    assert [op.id for op in outcome.ops] == ["x"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"displayName": "shown", "userland": {"id": "mine"}, "name": "n"}, "shown"),
        ({"displayName": None, "userland": {"id": "mine"}, "name": "n"}, "mine"),
        ({"userland": {}, "name": "n"}, "n"),
        ({}, "x"),
    ],
)
def test_the_name_to_show(fields: dict[str, Any], name: str) -> None:
    assert op_of(**fields).name == name


@pytest.mark.parametrize(
    ("timing", "seconds"),
    [({"a": 1, "b": 1_500_000_000}, 1.5), ({"a": 1}, None), ({"b": "1"}, None), (None, None)],
)
def test_how_long_a_step_took(timing: Any, seconds: float | None) -> None:
    assert op_of(timing=timing).seconds == seconds


def test_the_input_of_a_step_has_a_limit() -> None:
    fields = {"op": "StepRun", "id": "x", "opts": {"input": ["x" * (4 * 1024 * 1024)]}}
    error = error_of(answer(206, [fields], retry_after="5"))
    assert error["code"] == "output_too_large"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, []),
        ("x", []),
        ([{"scope": "run", "kind": "userland.x", "op": "set", "values": {"n": 1}}], ["userland.x"]),
        ([{"kind": "inngest.own", "op": "set", "values": {}}, 7], []),
        ([{"kind": "userland.x", "op": "set", "values": {"x": "y" * 65_536}}], []),
    ],
    ids=["none", "text", "good", "refused", "large"],
)
def test_metadata_of_a_step_that_may_not_be_kept_is_left_out(given: Any, kept: list[str]) -> None:
    op = op_of(metadata=given)
    assert [one["kind"] for one in op.metadata] == kept
    assert ("metadata" in op.about(0)) is bool(kept)


def test_records_tell_the_input_of_steps_that_run_code() -> None:
    assert op_of(opts={"input": [1]}).about(0)["input"] == [1]
    assert "input" not in op_of(op="AIGateway", opts={"input": [1]}).about(0)


VARIANT = {
    "experimentName": "price",
    "variant": "high",
    "selectionStrategy": "weighted",
    "experimentStepID": "abc",
}


def test_a_step_of_an_experiment_tells_its_variant() -> None:
    (kept,) = op_of(opts=VARIANT).metadata
    assert (kept["scope"], kept["kind"], kept["op"]) == ("step", "inngest.experiment", "merge")
    assert kept["values"] == {
        "name": "price",
        "variant": "high",
        "selection_strategy": "weighted",
        "experiment_step_id": "abc",
    }


@pytest.mark.parametrize("odd", [{"variant": 7}, {"experimentName": None}], ids=["number", "null"])
def test_a_step_that_tells_half_of_an_experiment_tells_nothing(odd: dict[str, Any]) -> None:
    assert op_of(opts=VARIANT | odd).metadata == ()
