"""Who holds a singleton, and when it is free."""

from __future__ import annotations

from inngest_asgi.dev.flow.singletons import Singletons


def test_a_name_is_held_until_its_run_ends() -> None:
    singletons = Singletons()
    singletons.hold("name", "run")
    assert singletons.holder("name") == "run"
    singletons.free("run")
    assert singletons.holder("name") is None


def test_the_end_of_a_run_that_was_replaced_frees_nothing() -> None:
    singletons = Singletons()
    singletons.hold("name", "old")
    singletons.hold("name", "new")
    singletons.free("old")
    assert singletons.holder("name") == "new"


def test_a_run_that_comes_to_hold_another_name_lets_go_of_the_first() -> None:
    singletons = Singletons()
    singletons.hold("first", "run")
    singletons.hold("second", "run")
    assert singletons.holder("first") is None
    assert singletons.holder("second") == "run"


def test_a_run_that_holds_nothing_may_end() -> None:
    singletons = Singletons()
    singletons.free("unknown")
    assert singletons.holder("name") is None
