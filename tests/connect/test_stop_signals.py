"""Signals that stop a stand-alone worker: the first is a wish, and nothing is left behind."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from inngest_asgi.connect.stop_signals import check_signals, stopping_on
from inngest_asgi.errors import ConfigError

USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, (signal.SIGINT, signal.SIGTERM)),
        ([], ()),
        ([signal.SIGHUP], (signal.SIGHUP,)),
        ([int(signal.SIGHUP), USR1], (signal.SIGHUP, USR1)),
    ],
    ids=["usual", "none", "another", "numbers"],
)
def test_which_signals_stop_it(given: Any, found: tuple[signal.Signals, ...]) -> None:
    assert check_signals(given) == found


@pytest.mark.parametrize(
    "given", [7.5, ["SIGTERM"], [9999], [signal.SIGKILL], [signal.SIGTERM, signal.SIGSTOP]], ids=str
)
def test_what_cannot_be_handled_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"shutdown_signals is .*; pass signals that can"):
        check_signals(given)


def test_the_first_is_a_wish_and_the_second_does_what_it_always_does() -> None:
    wishes: list[signal.Signals] = []
    with stopping_on([USR1, USR2], wishes.append):
        signal.raise_signal(USR2)
        assert wishes == [USR2]
        assert signal.getsignal(USR1) is signal.SIG_DFL
        assert signal.getsignal(USR2) is signal.SIG_DFL


def test_handlers_are_restored() -> None:
    def handler(number: int, frame: object) -> None: ...

    before = signal.signal(USR1, handler)
    try:
        with stopping_on([USR1, USR2], lambda _: None):
            assert signal.getsignal(USR1) is not handler
        assert signal.getsignal(USR1) is handler
        assert signal.getsignal(USR2) is signal.SIG_DFL
    finally:
        signal.signal(USR1, before)


def test_on_another_thread_nothing_is_touched() -> None:
    seen: list[Any] = []

    def run() -> None:
        with stopping_on([USR1], lambda _: None):
            seen.append(signal.getsignal(USR1))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
