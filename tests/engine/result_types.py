"""Types that steps of the result tests return, as users write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

T = TypeVar("T")
ID = UUID("12345678123456781234567812345678")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Order(BaseModel):
    id: UUID
    total: Decimal
    note: str | None = None


class Aliased(BaseModel):
    user_id: int = Field(alias="userId")


class ByAlias(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True)
    user_id: int = Field(alias="userId")


class Infinite(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    ratio: float


class Box(BaseModel, Generic[T]):
    inside: T


class Tree(BaseModel):
    children: list[Tree] = []


@dataclass
class Point:
    x: int
    when: datetime


class Row(TypedDict):
    day: date
    amount: Decimal


class Pair(NamedTuple):
    left: int
    right: timedelta


class Colour(Enum):
    RED = "red"


class Size(StrEnum):
    BIG = "big"


class Raising(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def _refuse_seven(cls, x: int) -> int:
        if x == 7:
            raise ValueError("seven is refused")
        return x


ORDER = Order(id=ID, total=Decimal("9.50"))
