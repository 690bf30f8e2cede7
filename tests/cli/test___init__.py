from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
sys.modules[{0!r}] = None  # as if it were not installed
from inngest_asgi.cli import main
main()
"""


@pytest.mark.parametrize("package", ["click", "rich", "uvicorn", "celpy", "cronsim", "re2"])
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


def test_an_error_inside_the_package_is_not_mistaken_for_a_missing_extra() -> None:
    code = BLOCKED.format("inngest_asgi.cli.run")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: ")
