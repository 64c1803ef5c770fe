"""Ctrl-C while processes start: it waits until they have, and is nothing to them."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits for the end of this. Threads and processes that start meanwhile never hear of it: a
    terminal signals a whole group of processes, and only the parent handles it.
    """
    held: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    handler = signal.getsignal(signal.SIGINT)
    # Other threads do not block it, and Python hands their signals to the main one.
    aside = callable(handler) and threading.current_thread() is threading.main_thread()
    if aside:
        signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if aside:
            signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)
