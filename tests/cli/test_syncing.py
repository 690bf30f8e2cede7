"""What came of a sync, in a line."""

from __future__ import annotations

import pytest

from inngest_asgi.cli.syncing import described
from inngest_asgi.dev import SyncResult

URL = "http://localhost:8000/api/inngest"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 functions"), (1, "1 function"), (2, "2 functions")]
)
def test_a_sync_in_a_line(count: int, text: str) -> None:
    assert described(SyncResult(URL, "shop", count, None)) == f"Application  {URL} (shop, {text})"
