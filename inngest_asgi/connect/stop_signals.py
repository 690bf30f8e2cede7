"""What Ctrl-C and SIGTERM mean while a stand-alone worker runs; no other code touches signals."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Signals = signal.Signals

USUAL = (signal.SIGINT, signal.SIGTERM)


def check_signals(signals: Iterable[Signals | int] | None) -> tuple[Signals, ...]:
    """Return the signals that stop a worker.

    Args:
        signals: as a user gives them; None for the usual ones, which are SIGINT and SIGTERM.

    Raises:
        ConfigError: one of them is no signal that can be handled.
    """
    try:
        found = USUAL if signals is None else tuple(map(Signals, signals))
        for one in found:
            signal.getsignal(one)
    except (TypeError, ValueError):
        found = (signal.SIGKILL,)
    if {signal.SIGKILL, signal.SIGSTOP} & set(found):
        raise ConfigError(
            f"connect: shutdown_signals is {signals!r}; pass signals that can be handled, such as "
            "[signal.SIGTERM], or [] for none."
        )
    return found


@contextmanager
def stopping_on(signals: Iterable[Signals], stop: Callable[[Signals], None]) -> Iterator[None]:
    """Call `stop` for the first of these signals inside the block; the second does what it would
    do without us, which ends the process.

    It is called between any two lines of the main thread, also while a blocked event loop could
    not. On other threads, where Python allows no handlers, nothing is done.
    """
    before: dict[int, object] = {}

    def handle(number: int, frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        stop(Signals(number))

    on_main = threading.current_thread() is threading.main_thread()
    try:
        for one in signals if on_main else ():
            before[one] = signal.signal(one, handle)
        yield
    finally:
        for number, handler in before.items():
            # None stands for a handler that was not installed from Python.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]
