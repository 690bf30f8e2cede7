"""Settings from arguments and environment: what wins, what is refused, what is shown."""

from __future__ import annotations

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.settings import Settings, checked_origin, use_server

CLOUD = ("https://api.inngest.com", "https://inn.gs")
DEV = ("http://127.0.0.1:8288", "http://127.0.0.1:8288")


def settings(**environ: str) -> Settings:
    return Settings(environ=environ)


@pytest.mark.parametrize("value", ["", "0", "false", "FALSE", " false ", " "], ids=repr)
def test_dev_mode_is_off(value: str) -> None:
    assert settings(INNGEST_DEV=value).is_production


@pytest.mark.parametrize("value", ["1", "true", "no", "http://localhost:9", "x"], ids=repr)
def test_dev_mode_is_on(value: str) -> None:
    assert not settings(INNGEST_DEV=value).is_production


def test_cloud_mode_is_the_default() -> None:
    assert settings().is_production


@pytest.mark.parametrize("argument", [True, False], ids=["cloud", "dev"])
@pytest.mark.parametrize("variable", ["", "1"], ids=["unset", "set"])
def test_the_mode_s_argument_wins(argument: bool, variable: str) -> None:  # noqa: FBT001
    told = Settings(is_production_argument=argument, environ={"INNGEST_DEV": variable})
    assert told.is_production is argument


@pytest.mark.parametrize(
    ("environ", "origins"),
    [
        pytest.param({}, CLOUD, id="cloud"),
        pytest.param({"INNGEST_DEV": "1"}, DEV, id="dev"),
        pytest.param(
            {"INNGEST_DEV": "http://dev:1/"}, ("http://dev:1", "http://dev:1"), id="dev URL"
        ),
        pytest.param(
            {"INNGEST_DEV": "HTTPS://dev"}, ("HTTPS://dev", "HTTPS://dev"), id="dev URL in capitals"
        ),
        pytest.param({"INNGEST_DEV": "localhost:1"}, DEV, id="dev but no URL"),
        pytest.param(
            {"INNGEST_BASE_URL": "http://base", "INNGEST_DEV": "http://dev"},
            ("http://base", "http://base"),
            id="base before dev",
        ),
        pytest.param(
            {"INNGEST_API_BASE_URL": "http://api", "INNGEST_BASE_URL": "http://base"},
            ("http://api", "http://base"),
            id="API before base",
        ),
        pytest.param(
            {"INNGEST_EVENT_API_BASE_URL": "http://events"},
            ("https://api.inngest.com", "http://events"),
            id="events alone",
        ),
        pytest.param({"INNGEST_BASE_URL": " "}, CLOUD, id="blank is unset"),
    ],
)
def test_origins_in_order_of_precedence(environ: dict[str, str], origins: tuple[str, str]) -> None:
    told = Settings(environ=environ)
    assert (told.api_origin, told.event_origin) == origins


def test_arguments_win_over_every_variable() -> None:
    told = Settings(
        api_base_url="http://a/",
        event_api_base_url="http://b",
        environ={
            "INNGEST_API_BASE_URL": "http://x",
            "INNGEST_EVENT_API_BASE_URL": "http://x",
            "INNGEST_BASE_URL": "http://x",
        },
    )
    assert (told.api_origin, told.event_origin) == ("http://a", "http://b")


@pytest.mark.parametrize(
    ("is_production", "origin"),
    [
        pytest.param(True, "https://api.inngest.com", id="cloud"),
        pytest.param(False, "http://dev", id="dev"),
    ],
)
def test_a_dev_url_counts_in_dev_mode_only(is_production: bool, origin: str) -> None:  # noqa: FBT001
    told = Settings(is_production_argument=is_production, environ={"INNGEST_DEV": "http://dev"})
    assert told.api_origin == origin


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("http://x", "http://x", id="plain"),
        pytest.param("https://x:81/", "https://x:81", id="port and slash"),
        pytest.param("http://x/path/", "http://x/path", id="path"),
        pytest.param(" http://x\n", "http://x", id="white space around"),
        pytest.param("http://[::1]:80", "http://[::1]:80", id="IPv6"),
        pytest.param("http://u:p@x", "http://u:p@x", id="password"),
    ],
)
def test_an_origin_is_a_url(url: str, origin: str) -> None:
    assert checked_origin(url, "it") == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "//x",
        "localhost:8288",
        "http://",
        "http:///path",
        "ftp://x",
        "http://x:99999",
        "http://x:0",
        "http://x:y",
        "http://[::1",
        "http://x?q=1",
        "http://x#f",
        "http://x y",
        "http://x\\y",
        "http://x\x00",
        "http://x\u3000y",
    ],
    ids=ascii,
)
def test_what_is_no_origin_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^INNGEST_BASE_URL is .+; set an absolute URL"):
        checked_origin(url, "INNGEST_BASE_URL")


def test_a_refused_origin_shows_no_password() -> None:
    with pytest.raises(ConfigError) as caught:
        checked_origin("ftp://user:secret@host", "it")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        pytest.param("INNGEST_EVENT_KEY", "event_key", id="event key"),
        pytest.param("INNGEST_SIGNING_KEY", "signing_key", id="signing key"),
        pytest.param("INNGEST_SIGNING_KEY_FALLBACK", "signing_key_fallback", id="fallback"),
        pytest.param("INNGEST_ENV", "env", id="env"),
        pytest.param("INNGEST_APP_VERSION", "app_version", id="version"),
        pytest.param("INNGEST_SERVE_PATH", "serve_path", id="serve path"),
    ],
)
def test_a_variable_is_read_without_white_space(name: str, attribute: str) -> None:
    assert getattr(settings(**{name: " value\n"}), attribute) == "value"
    assert getattr(settings(**{name: " "}), attribute) is None
    assert getattr(settings(), attribute) is None


@pytest.mark.parametrize(
    ("argument", "attribute", "name"),
    [
        pytest.param("event_key_argument", "event_key", "INNGEST_EVENT_KEY", id="event key"),
        pytest.param("signing_key_argument", "signing_key", "INNGEST_SIGNING_KEY", id="signing"),
        pytest.param(
            "signing_key_fallback_argument",
            "signing_key_fallback",
            "INNGEST_SIGNING_KEY_FALLBACK",
            id="fallback",
        ),
        pytest.param("env_argument", "env", "INNGEST_ENV", id="env"),
        pytest.param("app_version_argument", "app_version", "INNGEST_APP_VERSION", id="version"),
    ],
)
def test_an_argument_beats_its_variable(argument: str, attribute: str, name: str) -> None:
    def told(value: str) -> Settings:
        return Settings(environ={name: "variable"}, **{argument: value})  # type: ignore[arg-type]

    assert getattr(told("argument\n"), attribute) == "argument"
    assert getattr(told(" "), attribute) == "variable"


@pytest.mark.parametrize(
    ("names", "attribute"),
    [
        pytest.param(
            (
                "INNGEST_ENV",
                "BRANCH_NAME",
                "VERCEL_GIT_COMMIT_REF",
                "BRANCH",
                "CF_PAGES_BRANCH",
                "RENDER_GIT_BRANCH",
                "RAILWAY_GIT_BRANCH",
            ),
            "env",
            id="env",
        ),
        pytest.param(
            (
                "INNGEST_APP_VERSION",
                "GITHUB_SHA",
                "RENDER_GIT_COMMIT",
                "FLY_MACHINE_VERSION",
                "VERCEL_GIT_COMMIT_SHA",
            ),
            "app_version",
            id="version",
        ),
    ],
)
def test_platforms_variables_in_order(names: tuple[str, ...], attribute: str) -> None:
    found = [
        getattr(settings(**{name: name for name in names[start:]}), attribute)
        for start in range(len(names))
    ]
    assert found == list(names)


@pytest.mark.parametrize(
    ("environ", "keys"),
    [
        pytest.param({}, (), id="none"),
        pytest.param({"INNGEST_SIGNING_KEY": "a"}, ("a",), id="one"),
        pytest.param(
            {"INNGEST_SIGNING_KEY": "a", "INNGEST_SIGNING_KEY_FALLBACK": "b"}, ("a", "b"), id="two"
        ),
        pytest.param({"INNGEST_SIGNING_KEY_FALLBACK": "b"}, ("b",), id="fallback only"),
    ],
)
def test_keys_are_tried_in_order(environ: dict[str, str], keys: tuple[str, ...]) -> None:
    assert Settings(environ=environ).signing_keys == keys


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        pytest.param({}, None, id="unset"),
        pytest.param({"INNGEST_SERVE_ORIGIN": "https://a/"}, "https://a", id="origin"),
        pytest.param({"INNGEST_SERVE_HOST": "https://b"}, "https://b", id="old name"),
        pytest.param(
            {"INNGEST_SERVE_ORIGIN": "https://a", "INNGEST_SERVE_HOST": "https://b"},
            "https://a",
            id="both",
        ),
    ],
)
def test_the_serve_origin_has_an_old_name(environ: dict[str, str], origin: str | None) -> None:
    assert Settings(environ=environ).serve_origin == origin


def test_a_bad_serve_origin_names_its_variable() -> None:
    with pytest.raises(ConfigError, match="INNGEST_SERVE_HOST"):
        _ = settings(INNGEST_SERVE_HOST="example.com").serve_origin


@pytest.mark.parametrize(
    ("value", "enabled"),
    [
        pytest.param(None, True, id="unset"),
        pytest.param("", True, id="empty"),
        pytest.param("1", True, id="1"),
        pytest.param("0", False, id="0"),
        pytest.param(" False ", False, id="false"),
    ],
)
@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("INNGEST_ENABLE_UNAUTHED_SYNC", "enable_unauthed_sync"),
        ("INNGEST_SESSION_PROPAGATION", "session_propagation"),
        ("INNGEST_ALLOW_IN_BAND_SYNC", "allow_in_band_sync"),
    ],
    ids=["unsigned-sync", "sessions", "in-band"],
)
def test_what_is_on_can_be_switched_off(
    value: str | None,
    enabled: bool,  # noqa: FBT001
    variable: str,
    name: str,
) -> None:
    environ = {} if value is None else {variable: value}
    assert getattr(Settings(environ=environ), name) is enabled


@pytest.mark.parametrize(
    ("value", "on"),
    [
        *((value, True) for value in ("true", "1", "force", "allow", " FORCE ")),
        *((value, False) for value in ("false", "0", "disable", "Disable", "", " ")),
    ],
    ids=repr,
)
def test_streaming_is_on_or_off(value: str, on: bool) -> None:  # noqa: FBT001
    assert settings(INNGEST_STREAMING=value).streaming is on


def test_streaming_is_off_unless_told() -> None:
    assert settings().streaming is False


@pytest.mark.parametrize("value", ["yes", "2", "streaming"])
def test_streaming_is_nothing_between(value: str) -> None:
    with pytest.raises(ConfigError, match=f"INNGEST_STREAMING is '{value}'"):
        _ = settings(INNGEST_STREAMING=value).streaming


@pytest.mark.parametrize(("value", "size"), [("1", 1), (" 64 ", 64)], ids=["one", "many"])
def test_the_thread_pool_has_the_size_told(value: str, size: int) -> None:
    assert settings(INNGEST_THREAD_POOL_MAX_WORKERS=value).thread_pool_size == size


@pytest.mark.parametrize(
    ("cpus", "size"), [(2, 6), (100, 32), (None, 5)], ids=["few", "many", "unknown"]
)
def test_the_thread_pool_fits_the_machine(
    cpus: int | None, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cpus)
    assert settings().thread_pool_size == size


@pytest.mark.parametrize(
    "value", ["0", "00", "-1", "1.5", "x", "٣", "9" * 5000], ids=lambda v: v[:5]
)
def test_no_other_thread_pool_will_do(value: str) -> None:
    with pytest.raises(ConfigError, match="INNGEST_THREAD_POOL_MAX_WORKERS"):
        _ = settings(INNGEST_THREAD_POOL_MAX_WORKERS=value).thread_pool_size


@pytest.mark.parametrize(
    ("environ", "platform"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"VERCEL": "1"}, "vercel", id="vercel"),
        pytest.param({"NETLIFY": "true"}, "netlify", id="netlify"),
        pytest.param({"CF_PAGES": "1"}, "cloudflare-pages", id="cloudflare"),
        pytest.param({"RENDER": "true"}, "render", id="render"),
        pytest.param({"RAILWAY_ENVIRONMENT": "production"}, "railway", id="railway"),
        pytest.param({"AWS_REGION": "eu-west-1"}, "aws-eu-west-1", id="aws"),
        pytest.param({"VERCEL": "1", "AWS_REGION": "eu-west-1"}, "vercel", id="vercel on aws"),
    ],
)
def test_the_platform_is_known_by_its_variables(
    environ: dict[str, str], platform: str | None
) -> None:
    assert Settings(environ=environ).platform == platform


def test_the_machine_s_environment_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Settings()
    monkeypatch.setenv("INNGEST_EVENT_KEY", "late")
    assert told.event_key == "late"


@pytest.mark.parametrize(("dev", "mode"), [("", "cloud"), ("1", "dev")], ids=["cloud", "dev"])
def test_settings_show_no_key(dev: str, mode: str) -> None:
    told = Settings(
        event_key_argument="secret", environ={"INNGEST_SIGNING_KEY": "secret", "INNGEST_DEV": dev}
    )
    assert repr(told) == f"<Settings {mode}>"


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INNGEST_DEV", "INNGEST_BASE_URL"):
        monkeypatch.setenv(name, "")  # so that what is set or unset is undone afterwards


@pytest.mark.usefixtures("_restored")
def test_a_process_can_be_pointed_at_a_local_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_DEV", "0")
    use_server("http://127.0.0.1:9999")
    told = Settings()
    assert not told.is_production
    assert told.api_origin == told.event_origin == "http://127.0.0.1:9999"


@pytest.mark.usefixtures("_restored")
def test_a_process_can_be_pointed_at_a_local_server_that_acts_as_a_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    monkeypatch.setenv("INNGEST_API_BASE_URL", "http://elsewhere.invalid")
    use_server("http://127.0.0.1:9999", cloud=True)
    told = Settings()
    assert told.is_production
    assert told.api_origin == told.event_origin == "http://127.0.0.1:9999"
