"""The same programs under pyright, where it is installed; mypy reads them with the project."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.house.source import ROOT

PYRIGHT = shutil.which("pyright")


@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed (npm install -g pyright)")
def test_what_users_write_type_checks_under_pyright_too() -> None:
    command = [str(PYRIGHT), "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
