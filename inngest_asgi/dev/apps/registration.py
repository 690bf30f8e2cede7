"""Reads what an app registers (http.md 7.2 and 8) and refuses what a server refuses; keeps nothing.

Keys are matched in any case, because the real server does and SDKs rely on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from inngest_asgi.dev.flow.checks import checked_flow_control, invalid
from inngest_asgi.dev.triggers import check_trigger
from inngest_asgi.errors import ConfigError, RequestError
from inngest_asgi.wire.names import ErrorCode

MAX_TRIGGERS = 10
MAX_RETRIES = 20
DEFAULT_RETRIES = 4

_KEYS = """
    url deployType framework appName appVersion v sdk functions headers capabilities deployId
    idempotencyKey featureObservations id name triggers event expression cron jitter steps
    runtime type retries attempts idempotency batchEvents maxSize timeout key if rateLimit limit
    period throttle burst debounce priority run concurrency scope fn step cancel singleton mode
    timeouts start finish checkpoint
"""
_SPELLING = {key.lower(): key for key in _KEYS.split()}
_SCHEMES = ("http", "https", "ws", "wss")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - compared with, never listened on
_DROPPED_QUERY = ("deployId", "probe")
_DENIED_JS = re.compile(r"js:v3\.(\d+)\.(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function as registered and checked."""

    slug: str
    name: str
    url: str
    max_attempts: int
    triggers: list[dict[str, Any]]
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Registration:
    """An app as registered and checked; `url` is in the form apps are told apart by."""

    app_name: str
    url: str
    sdk: str
    framework: str
    app_version: str
    functions: tuple[FunctionSpec, ...]


def parse_registration(document: Any) -> Registration:
    """Read a registration.

    Raises:
        RequestError: 400, saying what is wrong and of which function.
    """
    if not isinstance(document, dict):
        raise refused("The registration must be a JSON object.", ErrorCode.BODY_INVALID)
    body = usual_form(document)
    app_name, url = _text(body, "appName"), _text(body, "url")
    if not app_name:
        raise refused("App ID required")
    if not url:
        raise refused("The registration has no url.")
    _refuse_denied_sdk(_text(body, "sdk"))
    functions = body.get("functions")
    if not isinstance(functions, list | None):
        raise refused("`functions` must be an array.")
    specs = tuple(_function(record) for record in functions or ())
    twice = {spec.slug for spec in specs if [one.slug for one in specs].count(spec.slug) > 1}
    if twice:
        raise refused(f"Function {min(twice)!r} is registered twice.", "config_invalid")
    return Registration(
        app_name=app_name,
        url=normalized_url(url),
        sdk=_text(body, "sdk"),
        framework=_text(body, "framework"),
        app_version=_text(body, "appVersion"),
        functions=specs,
    )


def normalized_url(url: str) -> str:
    """Return a serve URL without what does not tell apps apart (http.md 7.2).

    Raises:
        RequestError: it is not an http, https, ws or wss URL.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise refused(f"{url!r} is not a URL.") from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise refused(f"{url!r} is not a URL of an app; it starts with http:// or https://.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{'localhost' if host in _LOCAL else host}:{port}"
    given = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([pair for pair in given if pair[0] not in _DROPPED_QUERY])
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def usual_form(value: Any) -> Any:
    """Return a registration with its known keys in their usual spelling, and without nulls.

    A null says what a missing key says, at all depths: some SDKs send the one, some the other.
    """
    if isinstance(value, dict):
        known = {_SPELLING.get(key.lower(), key): item for key, item in value.items()}
        return {key: usual_form(item) for key, item in known.items() if item is not None}
    if isinstance(value, list):
        return [usual_form(item) for item in value]
    return value


def refused(message: str, code: str = "") -> RequestError:
    """Return the error of a registration that is not taken."""
    return RequestError(message, code=code, status=400)


def _refuse_denied_sdk(sdk: str) -> None:
    found = _DENIED_JS.fullmatch(sdk)
    if found and (3, 22, 0) <= (3, int(found[1]), int(found[2])) <= (3, 53, 1):
        raise refused(
            f"The SDK version {sdk} has a security flaw; upgrade to 3.54.0 or later.",
            "sdk_version_denied",
        )


def _function(config: Any) -> FunctionSpec:
    """Check one function, naming it in whatever is wrong."""
    if not isinstance(config, dict):
        raise refused("A function must be a JSON object.", "config_invalid")
    slug = _text(config, "id")
    if not slug:
        raise refused("A function has no id.", "config_invalid")
    try:
        return _checked_function(slug, config)
    except RequestError as error:
        raise refused(f"Function {slug!r}: {error}", error.code) from None
    except ConfigError as error:
        code = getattr(error, "code", "config_invalid")
        raise refused(f"Function {slug!r}: {error}", code) from None


def _checked_function(slug: str, config: dict[str, Any]) -> FunctionSpec:
    step = _only_step(config)
    retries = step.get("retries", {})
    if not isinstance(retries, dict):
        raise invalid("The retries of its step must be an object.")
    attempts = retries.get("attempts", config.get("retries", DEFAULT_RETRIES))
    if isinstance(attempts, bool) or not isinstance(attempts, int):
        raise invalid("The number of retries must be a whole number.")
    if not 0 <= attempts <= MAX_RETRIES:
        raise invalid(f"{attempts} retries; 0 to {MAX_RETRIES} are allowed.")
    checked_flow_control(config)
    return FunctionSpec(
        slug=slug,
        name=_text(config, "name") or slug,
        url=_runtime_url(step),
        max_attempts=attempts + 1,
        triggers=_triggers(config.get("triggers")),
        config=config,
    )


def _only_step(config: dict[str, Any]) -> dict[str, Any]:
    steps = config.get("steps")
    if not isinstance(steps, dict) or len(steps) != 1:
        raise invalid("Its steps must be an object with exactly one step.")
    step = next(iter(steps.values()))
    if not isinstance(step, dict) or not (_text(step, "id") and _text(step, "name")):
        raise invalid("Its step needs an id and a name.")
    return step


def _runtime_url(step: dict[str, Any]) -> str:
    runtime = step.get("runtime")
    url = _text(runtime, "url") if isinstance(runtime, dict) else ""
    if not url:
        raise invalid("Its step has no runtime.url.")
    try:
        normalized_url(url)
    except RequestError as error:
        raise invalid(f"Its runtime.url cannot be called: {error}") from None
    return url


def _triggers(triggers: Any) -> list[dict[str, Any]]:
    if not isinstance(triggers, list) or not 1 <= len(triggers) <= MAX_TRIGGERS:
        raise invalid(f"It needs 1 to {MAX_TRIGGERS} triggers.")
    kept: list[dict[str, Any]] = []
    for trigger in triggers:
        if not isinstance(trigger, dict):
            raise invalid("A trigger must be an object.")
        check_trigger(trigger)
        cron = trigger.get("cron")
        if trigger in kept or (cron and cron in [one.get("cron") for one in kept]):
            raise invalid("It has the same trigger twice.")
        kept.append(trigger)
    return kept


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""
