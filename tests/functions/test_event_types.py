"""Event types: what they build, and which one counts when several could."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from inngest_asgi.errors import ConfigError, EventValidationError
from inngest_asgi.functions.event_types import EventType, EventTypes, name_of
from inngest_asgi.wire.events import Event, event_record


class Signup(BaseModel):
    user_id: str


class SignupV2(BaseModel):
    account: int


class Named(BaseModel):
    user_id: str | None = None
    title: str | None = None


SIGNED_UP = EventType("user/signed.up", Signup)


def found(*listed: EventType[Any], name: str = "user/signed.up", v: str | None = None) -> Any:
    payload = EventTypes(listed, field="the trigger").find(name, v)
    return None if payload is None else payload.data


def read(*listed: EventType[Any], **raw: Any) -> Any:
    types = EventTypes(listed, field="the trigger")
    return types.read({"name": "user/signed.up"} | raw, "It is refused").data


def test_an_event_type_builds_events() -> None:
    event = EventType("user/signed.up", Signup, version="1")(
        Signup(user_id="u1"), id="dedupe-1", ts=5, user={"n": 1}, meta={"source": "web"}
    )
    assert event_record(event, 9) == {
        "name": "user/signed.up",
        "data": {"user_id": "u1"},
        "id": "dedupe-1",
        "ts": 5,
        "v": "1",
        "user": {"n": 1},
        "meta": {"source": "web"},
    }


def test_an_event_is_built_of_a_dictionary() -> None:
    assert SIGNED_UP({"user_id": "u1"}).data == Signup(user_id="u1")


def test_a_built_event_is_an_event() -> None:
    assert isinstance(SIGNED_UP(Signup(user_id="u1")), Event)


@pytest.mark.parametrize("data", [None, {"x": 1}], ids=["nothing", "something"])
def test_an_event_type_without_a_model_takes_any_object(data: dict[str, Any] | None) -> None:
    assert EventType("user/left")(data).data == (data or {})


def test_a_wrong_event_is_not_built() -> None:
    with pytest.raises(
        EventValidationError, match=r"^Event 'user/signed\.up' is not valid: data\.user_id: "
    ):
        SIGNED_UP({})


def test_a_pattern_builds_no_event() -> None:
    with pytest.raises(ConfigError, match=r"'user/\*' stands for many names"):
        EventType("user/*", Signup)(Signup(user_id="u1"))


def test_a_received_event_is_read() -> None:
    raw = {"name": "user/signed.up", "data": {"user_id": "u1"}, "id": "x", "user": {}, "new": 1}
    event = SIGNED_UP.read(raw, "It is refused")
    assert (event.data, event.id, event.user) == (Signup(user_id="u1"), "x", {})


def test_a_wrong_received_event_is_refused() -> None:
    with pytest.raises(
        EventValidationError, match=r"^It is refused: data\.user_id: Field required"
    ):
        SIGNED_UP.read({"name": "user/signed.up"}, "It is refused")


def test_an_event_type_shows_its_name() -> None:
    assert repr(SIGNED_UP) == "<EventType 'user/signed.up'>"


def test_an_event_type_tells_what_it_was_made_of() -> None:
    made = EventType("user/signed.up", Signup, version="1")
    assert (made.name, made.data, made.version) == ("user/signed.up", Signup, "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"name": ""}, "EventType: name is empty", id="no-name"),
        pytest.param({"name": 5}, "EventType: name is 5", id="name-not-a-string"),
        pytest.param({"name": "us*"}, r"'\*' must be the last", id="pattern"),
        pytest.param(
            {"name": "a", "version": 1}, "EventType 'a': version is 1; pass a string", id="version"
        ),
        pytest.param({"name": "a", "data": "1"}, "data is '1'; pass the type itself", id="text"),
    ],
)
def test_a_wrong_event_type_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        EventType(**arguments)


@pytest.mark.parametrize("event", ["user/signed.up", SIGNED_UP], ids=["text", "type"])
def test_the_name_of_an_event(event: Any) -> None:
    assert name_of(event) == "user/signed.up"


ANY_USER = EventType("user/*", Named)
ANY_SIGNED = EventType("user/signed.*", SignupV2)


@pytest.mark.parametrize(
    ("listed", "name", "kind"),
    [
        pytest.param([SIGNED_UP], "user/signed.up", Signup, id="name"),
        pytest.param([SIGNED_UP], "user/signed.down", None, id="another-name"),
        pytest.param([ANY_USER], "user/signed.up", Named, id="slash-pattern"),
        pytest.param([ANY_SIGNED], "user/signed.up", SignupV2, id="dot-pattern"),
        pytest.param([ANY_SIGNED], "user/signed", None, id="shorter-than-the-pattern"),
        pytest.param([ANY_USER], "users/new", None, id="no-prefix"),
        pytest.param([ANY_USER, ANY_SIGNED], "user/signed.up", SignupV2, id="longest-pattern"),
        pytest.param([ANY_SIGNED, ANY_USER], "user/left", Named, id="shorter-pattern"),
        pytest.param([ANY_USER, SIGNED_UP], "user/signed.up", Signup, id="name-before-pattern"),
        pytest.param(
            [ANY_USER, EventType("user/signed.up")], "user/signed.up", None, id="untyped-name"
        ),
        pytest.param(
            [ANY_USER, EventType("user/signed.*")], "user/signed.up", None, id="untyped-pattern"
        ),
    ],
)
def test_the_type_of_a_name(listed: list[EventType[Any]], name: str, kind: Any) -> None:
    assert found(*listed, name=name) is kind


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param({"user_id": "u1"}, Signup(user_id="u1"), id="first"),
        pytest.param({"account": 5}, SignupV2(account=5), id="second"),
    ],
)
def test_types_of_one_name_are_a_union(data: dict[str, Any], value: Any) -> None:
    assert read(SIGNED_UP, EventType("user/signed.up", SignupV2), data=data) == value


def test_an_untyped_one_of_the_union_comes_last() -> None:
    listed = (EventType("user/signed.up"), SIGNED_UP)
    got = [read(*listed, data={"user_id": "u1"}), read(*listed, data={"new": 1})]
    assert got == [Signup(user_id="u1"), {"new": 1}]


VERSIONS = (
    EventType("user/signed.up", Signup, version="1"),
    EventType("user/signed.up", Named, version="2"),
)


@pytest.mark.parametrize(
    ("v", "kind"), [("1", Signup), ("2", Named), ("3", Signup | Named), (None, Signup | Named)]
)
def test_the_version_decides_between_the_types_of_a_name(v: str | None, kind: Any) -> None:
    assert found(*VERSIONS, v=v) == kind


def test_an_event_of_a_version_is_of_its_type_only() -> None:
    with pytest.raises(EventValidationError, match=r"data\.user_id"):
        read(*VERSIONS, v="1", data={"title": "x"})


def test_an_undeclared_event_is_read_as_it_is() -> None:
    assert read(SIGNED_UP, name="user/left", data={"x": 1}) == {"x": 1}


def test_an_undeclared_event_without_data() -> None:
    assert read(SIGNED_UP, name="user/left") == {}


@pytest.mark.parametrize("raw", [{"name": []}, {"v": {}}, {"data": 5}], ids=str)
def test_what_is_no_event_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(EventValidationError, match=r"^It is refused: "):
        read(SIGNED_UP, **raw)


@pytest.mark.parametrize(
    ("listed", "any_typed"),
    [([], False), ([EventType("a")], False), ([EventType("a"), SIGNED_UP], True)],
    ids=["none", "untyped", "typed"],
)
def test_without_a_type_there_is_nothing_to_check(
    listed: list[EventType[Any]], any_typed: object
) -> None:
    assert bool(EventTypes(listed, field="the trigger")) is any_typed


def test_an_event_of_its_type_may_be_sent() -> None:
    EventTypes([SIGNED_UP], field="schemas").check(
        {"name": "user/signed.up", "data": {"user_id": "u1"}}
    )


def test_an_undeclared_event_may_be_sent() -> None:
    EventTypes([SIGNED_UP], field="schemas").check({"name": "user/left", "data": {"x": 1}})


def test_an_event_that_is_not_of_its_type_may_not_be_sent() -> None:
    with pytest.raises(
        EventValidationError, match=r"^Event 'user/signed\.up' cannot be sent: data\.user_id: "
    ):
        EventTypes([SIGNED_UP], field="schemas").check({"name": "user/signed.up", "data": {}})
