"""Ctrl-C is remembered: a library that it meets may make an error of its own of it, or keep it to itself.

pydantic is such a library: what it serialises then fails with "Error serializing to JSON: KeyboardInterrupt".
"""

from __future__ import annotations

import signal
from types import FrameType


class Interruption:
    """While it is entered, Ctrl-C sets ``seen`` and raises KeyboardInterrupt, as Python does by itself.

    Where Ctrl-C means something else already (a shell's background job ignores it), that stays.
    """

    def __init__(self) -> None:
        self.seen = False
        self._installed = False

    def __enter__(self) -> Interruption:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._remember)
                self._installed = True
            except ValueError:  # not the main thread, which alone hears of Ctrl-C
                pass
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        raise KeyboardInterrupt
