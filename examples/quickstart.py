"""A durable function that does real work: it checks and sums up a file of orders.

Run it with `make run`, or by hand:

    inngest-asgi run examples.quickstart:inngest_app \
        --event shop/orders.uploaded --data '{"file": "orders.csv"}'

Or as in production, application and server apart, each in a terminal of its own:

    INNGEST_DEV=1 uvicorn examples.quickstart:inngest_app
    inngest-asgi dev -u http://localhost:8000
    inngest-asgi send shop/orders.uploaded --data '{"file": "orders.csv"}'
"""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

import inngest_asgi as inngest

DATA = Path(__file__).parent / "data"
OUT = Path(__file__).parent / "out"

client = inngest.Inngest(app_id="shop")


class Order(BaseModel):
    """One row of the file, once it is known to be good."""

    order_id: str
    placed_at: datetime
    region: Literal["Nordics", "DACH", "Iberia", "Benelux", "British Isles"]
    sku: str
    quantity: int = Field(gt=0)
    unit_price: Decimal = Field(gt=0)
    customer_email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


class Rejected(BaseModel):
    """One row that is not good, and why."""

    line: int
    field: str
    reason: str


class Checked(BaseModel):
    """The file, sorted into good rows and bad ones."""

    orders: list[Order]
    rejected: list[Rejected]


class Total(BaseModel):
    """What one region ordered."""

    region: str
    orders: int
    revenue: Decimal


class Summary(BaseModel):
    """What the function returns."""

    file: str
    orders: int
    rejected: int
    revenue: Decimal
    best_region: str
    ledger_entry: str
    report: str


@client.create_function(
    fn_id="summarise-orders",
    trigger=inngest.TriggerEvent(event="shop/orders.uploaded"),
    retries=3,
)
async def summarise_orders(ctx: inngest.Context) -> Summary:
    """Read, check, sum up, book and report: each step runs once, whatever happens in between."""
    file = str(ctx.event.data["file"])

    rows = await ctx.step.run("read the file", read_rows, file)
    checked = await ctx.step.run("check the rows", check_rows, rows)

    # Plain asyncio: the regions are summed up in parallel, each in a step of its own.
    regions = sorted({order.region for order in checked.orders})
    totals = await asyncio.gather(
        *(
            ctx.step.run(f"total of {region}", total_of, region, checked.orders)
            for region in regions
        )
    )

    # Nothing runs and nothing is held while a run sleeps: stop the program now, start it again
    # later, and the run goes on from here.
    await ctx.step.sleep("wait for late orders", "2s")

    entry = await ctx.step.run("book in the ledger", book, totals, ctx.attempt)
    report = await ctx.step.run("write the report", write_report, file, totals, checked.rejected)
    return Summary(
        file=file,
        orders=len(checked.orders),
        rejected=len(checked.rejected),
        revenue=sum((total.revenue for total in totals), Decimal()),
        best_region=max(totals, key=lambda total: total.revenue).region,
        ledger_entry=entry,
        report=report,
    )


def read_rows(file: str) -> list[dict[str, str]]:
    """Read the CSV file; blocking code runs in a thread, never on the event loop."""
    path = DATA / Path(file).name
    if not path.is_file():
        raise inngest.NonRetriableError(f"{path.name} is not in {DATA}")
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def check_rows(rows: list[dict[str, str]]) -> Checked:
    """Turn rows into models; the annotation brings the models back when the step is replayed."""
    orders, rejected = [], []
    for line, row in enumerate(rows, start=2):
        try:
            orders.append(Order.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            rejected.append(Rejected(line=line, field=field, reason=first["msg"]))
    return Checked(orders=orders, rejected=rejected)


async def total_of(region: str, orders: Iterable[Order]) -> Total:
    """Sum up one region."""
    own = [order for order in orders if order.region == region]
    revenue = sum((order.quantity * order.unit_price for order in own), Decimal())
    return Total(region=region, orders=len(own), revenue=revenue)


async def book(totals: list[Total], attempt: int) -> str:
    """Book the totals in a ledger that is not awake at first, as services are."""
    if attempt == 0:
        soon = timedelta(seconds=1)
        raise inngest.RetryAfterError("the ledger is still starting", soon, quiet=True)
    return f"L-{sum(total.orders for total in totals)}"


def write_report(file: str, totals: list[Total], rejected: list[Rejected]) -> str:
    """Write a report; writing it twice would do no harm."""
    lines = [f"# Orders of {file}", "", "| region | orders | revenue |", "|---|---:|---:|"]
    lines += [f"| {one.region} | {one.orders} | {one.revenue} |" for one in totals]
    lines += ["", f"{len(rejected)} rows were rejected:", ""]
    lines += [f"- line {one.line}, {one.field}: {one.reason}" for one in rejected]
    OUT.mkdir(exist_ok=True)
    report = OUT / f"{Path(file).stem}.md"
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return os.path.relpath(report)


inngest_app = inngest.serve(client)
