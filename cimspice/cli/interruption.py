"""Ctrl-C is remembered: what it meets may make an error of its own of it, or keep it to itself.

pydantic makes one: what it serialises then fails with "Error serializing to JSON: KeyboardInterrupt". Python
keeps to itself whatever is raised while it collects garbage or is called back by C, and goes on.
"""

from __future__ import annotations

import signal
import sys
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_SECONDS = 0.01


class Interruption:
    """While it is entered, Ctrl-C sets ``seen`` and raises KeyboardInterrupt, as Python does by itself; once
    more where Python keeps that to itself.

    Where Ctrl-C means something else already (a shell's background job ignores it), that stays.
    """

    def __init__(self) -> None:
        self.seen = False
        self._installed = False
        self._again: Timer | None = None

    def __enter__(self) -> Interruption:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._remember)
            except ValueError:  # not the main thread, which alone hears of Ctrl-C
                return self
            self._installed = True
            self._hook_for_others, sys.unraisablehook = sys.unraisablehook, self._kept_by_python
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            if self._again is not None:
                self._again.cancel()
            sys.unraisablehook = self._hook_for_others
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.seen:
            # Once a text that is executed (a dataclass is made of one) has met Ctrl-C, `python -m` ends by
            # the signal, whatever its exit code; the next text undoes that.
            exec("")

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        raise KeyboardInterrupt

    def _kept_by_python(self, caught: UnraisableHookArgs) -> None:
        if caught.exc_type is not KeyboardInterrupt:
            self._hook_for_others(caught)
            return
        # A signal again, and no flag for the interpreter: it also ends a wait.
        words = (main_thread().ident, signal.SIGINT)
        self._again = Timer(_AGAIN_SECONDS, signal.pthread_kill, words)
        self._again.daemon = True
        self._again.start()
