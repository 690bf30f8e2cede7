"""The entry point: the extra that may be missing, and how the process is set up."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from inngest_asgi.cli import main
from inngest_asgi.cli.loading import show_error
from inngest_asgi.version import VERSION

pytestmark = pytest.mark.live  # processes

BLOCKED = """
import sys
sys.modules[{0!r}] = None  # as if it were not installed
from inngest_asgi.cli import main
main()
"""


@pytest.mark.parametrize("package", ["rich", "brotli", "jwt"])
def test_without_the_extra_one_line_names_the_command_that_installs_it(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(package), "dev", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"inngest-asgi needs the package {package!r}, which is not installed. "
        "Install what the command line needs: pip install 'inngest-asgi[server]'\n",
    )


def test_a_module_of_the_package_is_not_mistaken_for_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "inngest_asgi.cli.commands", None)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_in_this_process_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "inngest_asgi.cli.commands", raising=False)
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit, match="needs the package 'click'"):
        main()


class Interrupting:
    """Ctrl-C, when the first module is looked for."""

    def find_spec(self, name: str, *_: object) -> None:
        raise KeyboardInterrupt(name)


def test_ctrl_c_while_it_is_loaded_ends_it_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "inngest_asgi.cli.commands", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_a_command_is_run_with_errors_shown_for_users(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["inngest-asgi", "--version"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().out) == (
        0,
        f"inngest-asgi, version {VERSION}\n",
    )
    assert sys.excepthook is show_error
