"""What an app may register: shapes, keys in any case, and the sentence for all that is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from inngest_asgi.dev.apps.registration import normalized_url, parse_registration
from inngest_asgi.errors import RequestError

URL = "http://localhost:3000/api/inngest"


def function(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": "shop-one",
        "name": "One",
        "triggers": [{"event": "shop/paid"}],
        "steps": {
            "step": {
                "id": "step",
                "name": "step",
                "runtime": {"type": "http", "url": f"{URL}?fnId=shop-one&stepId=step"},
                "retries": {"attempts": 3},
            }
        },
    }
    return {key: value for key, value in (base | changes).items() if value is not ...}


def app(*functions: Any, **changes: Any) -> dict[str, Any]:
    body = {"url": URL, "appName": "shop", "sdk": "js:v4.18.1", "functions": list(functions)}
    return {key: value for key, value in (body | changes).items() if value is not ...}


def step(**changes: Any) -> dict[str, Any]:
    inner = copy.deepcopy(function()["steps"]["step"]) | changes
    return {"step": {key: value for key, value in inner.items() if value is not ...}}


def test_a_registration_is_read() -> None:
    read = parse_registration(app(function(), framework="express", appVersion="1.4"))
    assert (read.app_name, read.url, read.sdk) == ("shop", URL, "js:v4.18.1")
    assert (read.framework, read.app_version) == ("express", "1.4")
    (one,) = read.functions
    assert (one.slug, one.name, one.max_attempts) == ("shop-one", "One", 4)
    assert one.url == f"{URL}?fnId=shop-one&stepId=step"
    assert one.triggers == [{"event": "shop/paid"}]


def test_keys_count_in_any_case() -> None:
    def shout(value: Any) -> Any:
        if isinstance(value, dict):
            return {key.upper(): shout(item) for key, item in value.items()}
        return [shout(item) for item in value] if isinstance(value, list) else value

    options = {"singleton": {"mode": "skip"}, "rateLimit": {"limit": 1, "period": "1m"}}
    document = app(function(**options))
    shouted, plain = parse_registration(shout(document)), parse_registration(document)
    assert shouted == plain
    assert shouted.functions[0].config["rateLimit"] == options["rateLimit"]


@pytest.mark.parametrize(
    ("record", "attempts"),
    [
        (function(steps=step(retries=...)), 5),
        (function(steps=step(retries=None)), 5),
        (function(steps=step(retries=None), retries=7), 8),
        (function(steps=step(retries={"attempts": None}), retries=7), 8),
        (function(steps=step(retries={"attempts": 0})), 1),
        (function(steps=step(retries={"attempts": 20})), 21),
    ],
    ids=["absent", "null", "at-the-top", "null-inside", "none", "most"],
)
def test_attempts_are_one_more_than_retries(record: dict[str, Any], attempts: int) -> None:
    assert parse_registration(app(record)).functions[0].max_attempts == attempts


def test_a_name_defaults_to_the_id_and_nulls_do_not_count() -> None:
    trigger = {"event": "a", "expression": None}
    record = function(name=None, triggers=[trigger], concurrency=None)
    (one,) = parse_registration(app(record)).functions
    assert (one.name, one.triggers) == ("shop-one", [{"event": "a"}])
    assert "concurrency" not in one.config


@pytest.mark.parametrize(
    "option",
    [
        {"throttle": {"limit": 1, "period": "1m", "burst": None, "key": None}},
        {"concurrency": {"limit": None, "key": None, "scope": None}},
        {"concurrency": {"fn": [{"limit": 1, "scope": None}], "step": None}},
        {"debounce": {"period": "5s", "timeout": None}},
        {"cancel": [{"event": "a", "if": None, "timeout": None}]},
    ],
    ids=lambda option: next(iter(option)),
)
def test_a_null_in_an_option_counts_as_missing(option: dict[str, Any]) -> None:
    (one,) = parse_registration(app(function(**option))).functions
    assert "None" not in str(one.config)


def test_an_app_may_have_no_functions() -> None:
    assert parse_registration(app(functions=None)).functions == ()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "JSON object"),
        (app(appName=...), "App ID required"),
        (app(url=...), "no url"),
        (app(url="shop"), "not a URL"),
        (app(url="http://host:port/"), "not a URL"),
        (app(functions={}), "array"),
        (app(function(), function()), "registered twice"),
        (app(sdk="js:v3.22.0"), "security flaw"),
        (app(sdk="js:v3.53.1"), "security flaw"),
        (app(7), "must be a JSON object"),
        (app(function(id="")), "no id"),
    ],
    ids=[
        *("no-object", "no-app", "no-url", "no-scheme", "bad-port", "functions", "twice"),
        *("denied-first", "denied-last", "function", "no-id"),
    ],
)
def test_what_is_no_registration_is_refused(document: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        parse_registration(document)
    assert caught.value.status == 400


@pytest.mark.parametrize("sdk", ["js:v3.21.9", "js:v3.54.0", "js:v4.0.0", "py:v3.30.0"])
def test_other_versions_are_not_denied(sdk: str) -> None:
    assert parse_registration(app(sdk=sdk)).sdk == sdk


@pytest.mark.parametrize(
    ("record", "says", "code"),
    [
        (function(steps=...), "exactly one step", "config_invalid"),
        (function(steps={}), "exactly one step", "config_invalid"),
        (function(steps=step() | {"two": {}}), "exactly one step", "config_invalid"),
        (function(steps={"step": 1}), "id and a name", "config_invalid"),
        (function(steps=step(name="")), "id and a name", "config_invalid"),
        (function(steps=step(runtime=...)), "no runtime.url", "config_invalid"),
        (function(steps=step(runtime={"url": "ftp://x"})), "starts with http", "config_invalid"),
        (function(steps=step(runtime={"url": "http://["})), "not a URL", "config_invalid"),
        (function(steps=step(runtime={"url": "http://x:99999"})), "not a URL", "config_invalid"),
        (function(steps=step(retries=3)), "must be an object", "config_invalid"),
        (function(steps=step(retries={"attempts": "3"})), "whole number", "config_invalid"),
        (function(steps=step(retries={"attempts": True})), "whole number", "config_invalid"),
        (function(steps=step(retries={"attempts": 21})), "0 to 20", "config_invalid"),
        (function(steps=step(retries={"attempts": -1})), "0 to 20", "config_invalid"),
        (function(triggers=[]), "1 to 10", "config_invalid"),
        (function(triggers=[{"event": str(n)} for n in range(11)]), "1 to 10", "config_invalid"),
        (function(triggers=["a"]), "must be an object", "config_invalid"),
        (function(triggers=[{"event": "a"}] * 2), "twice", "config_invalid"),
        (
            function(triggers=[{"cron": "* * * * *"}, {"cron": "* * * * *", "jitter": "5s"}]),
            "twice",
            "config_invalid",
        ),
        (function(triggers=[{"cron": "@daily"}]), "five fields", "schedule_invalid"),
        (function(triggers=[{"event": "x" * 256}]), "255", "event_name_invalid"),
        (function(triggers=[{"event": "a", "expression": "((("}]), "expression", "config_invalid"),
        (function(throttle=7), "throttle must be an object", "config_invalid"),
    ],
    ids=[
        *("no-steps", "empty-steps", "two-steps", "step-shape", "step-name", "runtime", "scheme"),
        *("half-a-url", "no-such-port"),
        *("retries-shape", "retries-text", "retries-bool", "many-retries", "negative-retries"),
        *("no-trigger", "many-triggers", "trigger-shape", "trigger-twice", "cron-twice"),
        *("cron", "long-event", "expression", "flow-control"),
    ],
)
def test_a_function_that_is_wrong_is_named(record: Any, says: str, code: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        parse_registration(app(record))
    assert caught.value.code == code
    assert "'shop-one'" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:3000/a", "http://localhost:3000/a"),
        ("http://0.0.0.0:3000/a", "http://localhost:3000/a"),
        ("http://127.0.0.1/a", "http://127.0.0.1/a"),
        ("http://host:80/a", "http://host/a"),
        ("https://host:443/a", "https://host/a"),
        ("https://host:80/a", "https://host:80/a"),
        ("http://[::1]:3000/a", "http://[::1]:3000/a"),
        ("http://host/a?deployId=1&probe=trust&x=2", "http://host/a?x=2"),
        (" http://host/a#part ", "http://host/a"),
        ("http://host/a?token=&x=%20", "http://host/a?token=&x=+"),
    ],
)
def test_urls_are_brought_into_one_form(url: str, normal: str) -> None:
    assert normalized_url(url) == normal
