"""Files that change, on a real disk."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.cli.changes import Changes, changed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live  # the disk takes its time


def test_a_change_that_comes_while_nobody_waits_is_told_later(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()

    async def main() -> None:
        async with Changes(tmp_path) as changes:
            await asyncio.sleep(0)
            (tmp_path / "notes.txt").write_text("not code")
            (tmp_path / "shop" / "main.py").write_text("")
            assert await asyncio.wait_for(changes.next(), 10) == "shop/main.py"

    asyncio.run(main())


def test_an_end_that_nobody_waits_for_is_not_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with Changes(tmp_path):
            await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["shop/a.py"], "shop/a.py"),
        (["shop/b.py", "shop/a.py", "shop/a.py"], "shop/a.py and 1 more"),
    ],
    ids=["one", "two"],
)
def test_what_changed_is_told_in_a_few_words(names: list[str], told: str, tmp_path: Path) -> None:
    assert changed(tmp_path, [str(tmp_path / name) for name in names]) == told
