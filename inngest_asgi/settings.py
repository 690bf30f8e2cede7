"""The environment, turned into settings; the only file that reads os.environ.

A variable is read when it is needed, never at import, so that a test or a host may set it late.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEV_ORIGIN = "http://127.0.0.1:8288"
CLOUD_API_ORIGIN = "https://api.inngest.com"
CLOUD_EVENT_ORIGIN = "https://inn.gs"

_NOT_IN_ORIGIN = re.compile(r"[?#\\\s\x00-\x20\x7f]")
_PASSWORD = re.compile("[^/]*@")
_WHOLE_NUMBER = re.compile("[1-9][0-9]{0,8}")
_LAST_PORT = 65_535
_OFF = frozenset({"", "0", "false"})
_STREAMING = dict.fromkeys(("true", "1", "force", "allow"), True) | dict.fromkeys(
    ("false", "0", "disable"), False
)
_BRANCH_VARIABLES = (
    "INNGEST_ENV",
    "BRANCH_NAME",
    "VERCEL_GIT_COMMIT_REF",
    "BRANCH",
    "CF_PAGES_BRANCH",
    "RENDER_GIT_BRANCH",
    "RAILWAY_GIT_BRANCH",
)
_LEADING_ELSEWHERE = (
    "INNGEST_BASE_URL",
    "INNGEST_API_BASE_URL",
    "INNGEST_EVENT_API_BASE_URL",
    "INNGEST_SERVE_ORIGIN",
    "INNGEST_SERVE_HOST",
    "INNGEST_SERVE_PATH",
)
_VERSION_VARIABLES = (
    "INNGEST_APP_VERSION",
    "GITHUB_SHA",
    "RENDER_GIT_COMMIT",
    "FLY_MACHINE_VERSION",
    "VERCEL_GIT_COMMIT_SHA",
)
_INSTANCE_VARIABLES = ("RENDER_INSTANCE_ID", "FLY_MACHINE_ID", "HOSTNAME")
_PLATFORMS = {
    "VERCEL": "vercel",
    "NETLIFY": "netlify",
    "CF_PAGES": "cloudflare-pages",
    "RENDER": "render",
    "RAILWAY_ENVIRONMENT": "railway",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What an application was told by arguments, completed from the environment when asked.

    Arguments win over variables; None means that nothing was said. Its `repr` shows no key.
    """

    is_production_argument: bool | None = None
    env_argument: str | None = None
    app_version_argument: str | None = None
    event_key_argument: str | None = None
    signing_key_argument: str | None = None
    signing_key_fallback_argument: str | None = None
    api_base_url: str | None = None
    event_api_base_url: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def __repr__(self) -> str:
        return f"<Settings {'cloud' if self.is_production else 'dev'}>"

    @property
    def is_production(self) -> bool:
        """Cloud mode, where calls must be signed; the default (decisions: `INNGEST_DEV`)."""
        if self.is_production_argument is not None:
            return self.is_production_argument
        return self.environ.get("INNGEST_DEV", "").strip().lower() in _OFF

    @property
    def env(self) -> str | None:
        """The branch environment's name."""
        return _stripped(self.env_argument) or self._first(_BRANCH_VARIABLES)

    @property
    def app_version(self) -> str | None:
        """The version of the user's application."""
        return _stripped(self.app_version_argument) or self._first(_VERSION_VARIABLES)

    @property
    def event_key(self) -> str | None:
        """What events are sent with (http.md 3); the dev server takes any."""
        return _stripped(self.event_key_argument) or self._get("INNGEST_EVENT_KEY")

    @property
    def signing_key(self) -> str | None:
        """What calls and replies are signed with (http.md 5)."""
        return _stripped(self.signing_key_argument) or self._get("INNGEST_SIGNING_KEY")

    @property
    def signing_key_fallback(self) -> str | None:
        """The key tried when the first does not fit, while keys are rotated (http.md 5)."""
        told = _stripped(self.signing_key_fallback_argument)
        return told or self._get("INNGEST_SIGNING_KEY_FALLBACK")

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """The keys to try, in order; empty when none is set."""
        return tuple(filter(None, (self.signing_key, self.signing_key_fallback)))

    @property
    def api_origin(self) -> str:
        """Where the API is, without a trailing slash (http.md 3).

        Raises:
            ConfigError: a URL is not http or https.
        """
        told = self._origin("api_base_url", self.api_base_url, "INNGEST_API_BASE_URL")
        return told or (CLOUD_API_ORIGIN if self.is_production else DEV_ORIGIN)

    @property
    def event_origin(self) -> str:
        """Where events go, without a trailing slash (http.md 3).

        Raises:
            ConfigError: a URL is not http or https.
        """
        told = self._origin(
            "event_api_base_url", self.event_api_base_url, "INNGEST_EVENT_API_BASE_URL"
        )
        return told or (CLOUD_EVENT_ORIGIN if self.is_production else DEV_ORIGIN)

    @property
    def serve_origin(self) -> str | None:
        """Scheme and host to register instead of those of the request."""
        for name in ("INNGEST_SERVE_ORIGIN", "INNGEST_SERVE_HOST"):
            if value := self._get(name):
                return checked_origin(value, name)
        return None

    @property
    def serve_path(self) -> str | None:
        """The path to register instead of that of the request."""
        return self._get("INNGEST_SERVE_PATH")

    @property
    def enable_unauthed_sync(self) -> bool:
        """Whether an unsigned PUT may register in cloud mode; yes unless switched off."""
        return self._is_on("INNGEST_ENABLE_UNAUTHED_SYNC")

    @property
    def allow_in_band_sync(self) -> bool:
        """Whether a PUT may ask for an answer in band (http.md 9); yes unless switched off."""
        return self._is_on("INNGEST_ALLOW_IN_BAND_SYNC")

    @property
    def streaming(self) -> bool:
        """Whether calls are answered by streams (http.md 11.4): INNGEST_STREAMING, or not.

        Raises:
            ConfigError: the variable says neither yes nor no.
        """
        told = (self._get("INNGEST_STREAMING") or "disable").lower()
        if told not in _STREAMING:
            raise ConfigError(
                f"INNGEST_STREAMING is {told!r}; set 'true' or 'force' for streams, "
                "'false' or 'disable' for none, or unset it."
            )
        return _STREAMING[told]

    @property
    def session_propagation(self) -> bool:
        """Whether events sent in a step carry the run's sessions; yes unless switched off."""
        return self._is_on("INNGEST_SESSION_PROPAGATION")

    @property
    def thread_pool_size(self) -> int:
        """How many threads run blocking code: INNGEST_THREAD_POOL_MAX_WORKERS, or by the CPUs.

        Raises:
            ConfigError: the variable is not a whole number of at least one.
        """
        told = self._get("INNGEST_THREAD_POOL_MAX_WORKERS")
        if told is None:
            return min(32, (os.cpu_count() or 1) + 4)
        if not _WHOLE_NUMBER.fullmatch(told):
            raise ConfigError(
                f"INNGEST_THREAD_POOL_MAX_WORKERS is {told!r}; set a whole number of at least 1 "
                "(blocking code never runs on the event loop) or unset it."
            )
        return int(told)

    @property
    def connect(self) -> bool:
        """Whether an application starts a connect worker with its host; no unless switched on."""
        return (self._get("INNGEST_CONNECT") or "0").lower() not in _OFF

    @property
    def connect_gateway_url(self) -> str | None:
        """The gateway to connect to, whichever the server names."""
        return self._get("INNGEST_CONNECT_GATEWAY_URL")

    @property
    def connect_max_worker_concurrency(self) -> int | None:
        """How many requests a connect worker may have at a time; 0 is no limit.

        Raises:
            ConfigError: INNGEST_CONNECT_MAX_WORKER_CONCURRENCY is not a whole number.
        """
        told = self._get("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY")
        if told is None:
            return None
        if told != "0" and not _WHOLE_NUMBER.fullmatch(told):
            raise ConfigError(
                f"INNGEST_CONNECT_MAX_WORKER_CONCURRENCY is {told!r}; set a whole number, 0 for "
                "no limit, or unset it."
            )
        return int(told)

    @property
    def instance_id(self) -> str | None:
        """What the hosting platform calls this machine."""
        return self._first(_INSTANCE_VARIABLES)

    @property
    def is_one_of_several(self) -> bool:
        """Whether the server that runs this process is one that runs several alike (gunicorn)."""
        return (self._get("SERVER_SOFTWARE") or "").startswith("gunicorn")

    @property
    def platform(self) -> str | None:
        """The hosting platform's name, as its variables tell it (http.md 2)."""
        for name, platform in _PLATFORMS.items():
            if self._get(name):
                return platform
        region = self._get("AWS_REGION")
        return f"aws-{region}" if region else None

    def _origin(self, argument: str, value: str | None, variable: str) -> str | None:
        if value:
            return checked_origin(value, argument)
        for name in (variable, "INNGEST_BASE_URL"):
            if told := self._get(name):
                return checked_origin(told, name)
        dev = self._get("INNGEST_DEV") or ""
        is_url = not self.is_production and dev.lower().startswith(("http://", "https://"))
        return checked_origin(dev, "INNGEST_DEV") if is_url else None

    def _is_on(self, name: str) -> bool:
        return (self._get(name) or "1").lower() not in _OFF

    def _get(self, name: str) -> str | None:
        return _stripped(self.environ.get(name))

    def _first(self, names: tuple[str, ...]) -> str | None:
        return next((value for name in names if (value := self._get(name))), None)


def use_server(origin: str, *, cloud: bool = False) -> None:
    """Point everything in this process at a local server, and let that server call it directly.

    Sets INNGEST_DEV to `origin`, or INNGEST_BASE_URL for a server that acts as a cloud, and unsets
    the variables that win over it (INNGEST_BASE_URL and its kin) or that register a public address
    (INNGEST_SERVE_ORIGIN and its kin): a shell that is set up for production must not make a local
    command talk to it. What is given as an argument in code still counts.
    """
    for name in ("INNGEST_DEV", *_LEADING_ELSEWHERE):
        os.environ.pop(name, None)
    os.environ["INNGEST_BASE_URL" if cloud else "INNGEST_DEV"] = origin


def web_port() -> int | None:
    """Return the port that PORT tells web applications to serve on; None when it tells none."""
    text = os.environ.get("PORT", "").strip()
    return int(text) if text.isdecimal() and int(text) <= _LAST_PORT else None


def checked_origin(url: str, name: str) -> str:
    """Return a URL without the white space around it and its trailing slash.

    Raises:
        ConfigError: it is not an absolute http or https URL, or has a query; the message names
            `name`, and the URL without its password.
    """
    told = url.strip()
    try:
        parts = urlsplit(told)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or _NOT_IN_ORIGIN.search(told):
        shown = _PASSWORD.sub("", told)
        raise ConfigError(f"{name} is {shown!r}; set an absolute URL such as {DEV_ORIGIN}.")
    return told.rstrip("/")


def _stripped(text: str | None) -> str | None:
    """Return a text without the white space around it (files with keys end in a newline)."""
    return (text or "").strip() or None
