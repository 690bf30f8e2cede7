"""The steps of the quickstart on its own file; tests/live runs it as a whole."""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import inngest_asgi as inngest
from examples import quickstart

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checked() -> quickstart.Checked:
    return quickstart.check_rows(quickstart.read_rows("orders.csv"))


def totals(checked: quickstart.Checked) -> list[quickstart.Total]:
    regions = sorted({order.region for order in checked.orders})
    return [asyncio.run(quickstart.total_of(region, checked.orders)) for region in regions]


def test_good_rows_become_models_and_bad_ones_say_why(checked: quickstart.Checked) -> None:
    assert (len(checked.orders), len(checked.rejected)) == (305, 7)
    assert checked.orders[0].order_id == "SO-48210"
    assert len({one.field for one in checked.rejected}) > 1


def test_regions_add_up_to_the_whole(checked: quickstart.Checked) -> None:
    revenue = sum((one.quantity * one.unit_price for one in checked.orders), Decimal())
    summed = totals(checked)
    assert len(summed) == 5
    assert sum(total.orders for total in summed) == len(checked.orders)
    assert sum(total.revenue for total in summed) == revenue


def test_booking_fails_on_the_first_attempt_only(checked: quickstart.Checked) -> None:
    with pytest.raises(inngest.RetryAfterError, match="still starting"):
        asyncio.run(quickstart.book(totals(checked), 0))
    assert asyncio.run(quickstart.book(totals(checked), 1)) == "L-305"


def test_the_report_holds_every_region_and_every_bad_row(
    checked: quickstart.Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "OUT", tmp_path / "out")
    summed = totals(checked)
    path = quickstart.write_report("orders.csv", summed, checked.rejected)
    report = tmp_path / "out" / "orders.md"
    assert path == os.path.relpath(report)
    lines = report.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Orders of orders.csv"
    for total in summed:
        assert f"| {total.region} | {total.orders} | {total.revenue} |" in lines
    for one in checked.rejected:
        assert f"- line {one.line}, {one.field}: {one.reason}" in lines


@pytest.mark.parametrize("file", ["nothing.csv", "../quickstart.py"], ids=["missing", "outside"])
def test_a_file_that_is_not_there_is_not_tried_again(file: str) -> None:
    with pytest.raises(inngest.NonRetriableError, match="is not in"):
        quickstart.read_rows(file)


def test_the_application_serves_the_function() -> None:
    assert quickstart.inngest_app.serve_path == "/api/inngest"
    assert quickstart.summarise_orders.id == "shop-summarise-orders"
