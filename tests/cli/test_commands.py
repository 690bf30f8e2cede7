"""Options and arguments, as far as they go without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from inngest_asgi.cli.commands import cloud_keys, commands, discovery_ports, ends_by_itself
from inngest_asgi.dev import USUAL_PORTS, DevOptions
from inngest_asgi.version import VERSION
from tests.cli.test_send import event_api

if TYPE_CHECKING:
    from tests.cli.conftest import Project


def invoke(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(commands, arguments)


def said(result: Result) -> str:
    """Return the error without the line breaks and the usage in front of it."""
    return " ".join(result.output.partition("Error: ")[2].split())


def parsed(command: str, *arguments: str) -> dict[str, Any]:
    """Return what a command's options turn into."""
    return commands.commands[command].make_context(command, list(arguments)).params


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    lines = invoke(option).stdout.splitlines()
    listed = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :]]
    assert listed == ["connect", "dev", "events", "run", "runs", "send"]


def test_the_version() -> None:
    assert invoke("--version").stdout == f"inngest-asgi, version {VERSION}\n"


def test_the_options_of_run() -> None:
    event = ["--event", "paid", "--data", '{"a": 1}', "--once"]
    places = ["--port", "1", "--app-port", "2", "--path", "jobs", "--db", "my.db", "--json"]
    places += ["--connect-gateway-port", "3"]
    assert parsed("run", "shop:app", *event, *places) == {
        "target": "shop:app",
        "event": "paid",
        "data": {"a": 1},
        "once": True,
        "app_port": 2,
        "path": "/jobs",
        "port": 1,
        "connect_port": 3,
        "db": "my.db",
        "keep": "7d",
        "json": True,
    }


def test_what_run_does_without_options() -> None:
    assert parsed("run", "shop:app") == {
        "target": "shop:app",
        "event": None,
        "data": None,
        "once": None,
        "app_port": 8000,
        "path": None,
        "port": 8288,
        "connect_port": None,
        "db": ".inngest-asgi/dev.db",
        "keep": "7d",
        "json": False,
    }


@pytest.mark.parametrize(
    ("value", "arguments", "once"),
    [
        ("1", [], True),
        ("0", [], False),
        ("false", [], False),
        ("", [], None),
        ("0", ["--once"], True),
        ("1", ["--no-once"], False),
    ],
)
def test_the_environment_may_say_once(
    value: str, arguments: list[str], *, once: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCE", value)
    assert parsed("run", "shop:app", *arguments)["once"] is once


@pytest.mark.parametrize(("value", "kept"), [("36h", "36h"), ("forever", None)])
@pytest.mark.parametrize("command", [["run", "shop:app"], ["dev"]], ids=str)
def test_for_how_long_things_are_kept(command: list[str], value: str, kept: str | None) -> None:
    assert parsed(*command, "--keep", value)["keep"] == kept


@pytest.mark.parametrize(
    ("once", "event", "terminal", "ends"),
    [
        (None, "paid", False, True),
        (None, "paid", True, False),
        (None, None, False, False),
        (False, "paid", False, False),
        (True, None, True, True),
    ],
    ids=["event in a pipe", "event in a terminal", "no event", "told not to", "told to"],
)
def test_whether_run_ends_by_itself(
    *, once: bool | None, event: str | None, terminal: bool, ends: bool
) -> None:
    assert ends_by_itself(once, event, terminal=terminal) is ends


@pytest.mark.parametrize("command", [["run", "shop:app", "--event", "e"], ["send", "e"]], ids=str)
def test_data_may_be_read_from_a_file(command: list[str], project: Project) -> None:
    project.write("data.json", '{"größe": 1}')
    assert parsed(*command, "--data", "@data.json")["data"] == {"größe": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--keep", "soon"],
            "Invalid value for '--keep': 'soon' is not a duration; write one such as '90s' or "
            "'1h30m', or 'forever'.",
        ),
        (
            ["--data", "{"],
            "Invalid value for '--data': This is not valid JSON: unexpected end of data: "
            "line 1 column 2 (char 1).",
        ),
        (
            ["--data", "[1]"],
            "Invalid value for '--data': it must be a JSON object, such as '{\"id\": 1}'.",
        ),
        (
            ["--data", "@no.json"],
            "Invalid value for '--data': 'no.json' cannot be read: No such file or directory.",
        ),
        (["--data", "@."], "Invalid value for '--data': '.' cannot be read: Is a directory."),
        (["--data", "{}"], "--data is the data of an event; name it with --event NAME."),
        (["--port", "8000"], "--port and --app-port are both 8000; they must differ."),
        (
            ["--port", "70000"],
            "Invalid value for '--port': 70000 is not in the range 0<=x<=65535.",
        ),
    ],
    ids=[
        "no time",
        "bad JSON",
        "no object",
        "no file",
        "folder",
        "no event",
        "same port",
        "no port",
    ],
)
def test_bad_options_are_one_sentence(arguments: list[str], message: str, project: Project) -> None:
    result = invoke("run", "shop:app", *arguments)
    assert (result.exit_code, said(result)) == (2, message)


def test_an_unreadable_switch_is_refused() -> None:
    result = invoke("run", "shop:app", ONCE="maybe")
    assert result.exit_code == 2
    assert "'maybe' is not a valid boolean" in said(result)


def test_a_function_that_is_declared_wrongly_is_one_sentence(project: Project) -> None:
    project.write(
        "shop.py",
        "import inngest_asgi as inngest\n"
        "client = inngest.Inngest('shop')\n"
        "@client.create_function(fn_id='pay', retries=-3, "
        "trigger=inngest.TriggerEvent(event='e'))\n"
        "async def pay(ctx): ...\n",
    )
    result = invoke("run", "shop:app", "--port", "0", "--app-port", "0")
    assert (result.exit_code, said(result)) == (
        1,
        "Function 'shop-pay': retries is -3; pass a whole number from 0 to 20.",
    )


def test_an_application_that_is_not_there_is_one_sentence(project: Project) -> None:
    result = invoke("run", "shop:app", "--port", "0", "--app-port", "0")
    assert (result.exit_code, said(result)[:26]) == (1, "There is no module 'shop',")


def test_the_options_of_dev() -> None:
    urls = ["-u", "http://a", "--sdk-url", "http://b"]
    places = ["--port", "1", "--app-port", "2", "--path", "jobs", "--db", "my.db", "--host", "::"]
    times = ["--poll-interval", "0", "--retry-interval", "2.5"]
    flags = ["--no-reload", "--no-discovery", "--cloud", "-v", "--json"]
    places += ["--connect-gateway-port", "3", "--allow-host", "a.com", "--allow-host", "b.com"]
    assert parsed("dev", "shop:app", *urls, *places, *times, *flags) == {
        "target": "shop:app",
        "urls": ("http://a", "http://b"),
        "reload": False,
        "discovery": False,
        "app_port": 2,
        "path": "/jobs",
        "poll_interval": 0.0,
        "retry_interval": 2.5,
        "host": "::",
        "hosts": ("a.com", "b.com"),
        "cloud": True,
        "port": 1,
        "connect_port": 3,
        "db": "my.db",
        "keep": "7d",
        "verbose": True,
        "json": True,
    }


@pytest.mark.parametrize(
    ("port", "first"),
    [("4567", 4567), ("", USUAL_PORTS[0]), ("many", USUAL_PORTS[0]), ("70000", USUAL_PORTS[0])],
    ids=["set", "empty", "no-number", "too-large"],
)
def test_applications_are_looked_for_on_the_port_that_the_environment_names(
    port: str, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", port)
    assert discovery_ports()[0] == first


@pytest.mark.parametrize("missing", ["INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY"])
def test_a_cloud_needs_keys(missing: str) -> None:
    keys = {"INNGEST_SIGNING_KEY": "signkey-test-12345678", "INNGEST_EVENT_KEY": "a key"}
    result = invoke("dev", "--cloud", "--port", "0", **(keys | {missing: ""}))
    assert said(result).startswith("--cloud needs keys: set INNGEST_SIGNING_KEY")


def test_a_cloud_has_the_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SIGNING_KEY", "signkey-test-12345678")
    monkeypatch.setenv("INNGEST_EVENT_KEY", "a key")
    options = DevOptions(**cloud_keys())
    assert options.is_cloud
    assert (options.signing_key, options.event_keys) == ("signkey-test-12345678", ("a key",))


def test_dev_refuses_what_is_no_url_in_one_sentence() -> None:
    result = invoke("dev", "-u", "nonsense", "--port", "0", "--db", ":memory:")
    assert (result.exit_code, said(result)) == (
        1,
        "'nonsense' is not a URL of an app; it starts with http:// or https://.",
    )


@pytest.mark.parametrize(
    "name",
    [
        "https://dev.example.com",
        "dev.example.com:443",
        "*.example.com",
        "dev.example.com/",
        "",
        "a b",
    ],
)
def test_what_no_browser_calls_a_host_is_refused(name: str) -> None:
    result = invoke("dev", "--allow-host", name, "--port", "0", "--db", ":memory:")
    assert result.exit_code == 2
    assert f"{name!r} is not the name of a host; write one such as" in said(result)


def test_send_prints_the_id() -> None:
    with event_api() as (url, received):
        result = invoke("send", "paid", "--data", '{"a": 1}', "--id", "x", "--url", url)
    assert result.stdout == "01ID\n"
    assert len(received) == 1


def test_send_prints_json() -> None:
    with event_api() as (url, _):
        result = invoke("send", "paid", "--url", url, "--json")
    assert result.stdout == '{"ids":["01ID"]}\n'


def test_what_cannot_be_sent_is_one_sentence() -> None:
    result = invoke("send", "paid", "--url", "nonsense")
    assert (result.exit_code, said(result)) == (
        1,
        "--url is 'nonsense'; set an absolute URL such as http://127.0.0.1:8288.",
    )
