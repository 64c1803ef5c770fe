"""How an ngspice of ours starts: with our own start-up file, and with no setting of the user's environment.

ngspice executes what it finds in ``.spiceinit`` of its working directory and in the ``spinit`` of the folder
that ``SPICE_SCRIPTS`` or ``SPICE_LIB_DIR`` name; ``SPICE_USERINIT_DIR`` puts another ``.spiceinit`` in the
place of ours, ``SPICE_ASCIIRAWFILE`` changes what is written. Any of them changes results.
"""

import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# hsa: SKY130's files are written for HSPICE. One thread: BSIM code spins on more (13x slower when small).
SPICEINIT = "set ngbehavior=hsa\nset ng_nomodcheck\nset num_threads=1\nunset interactive\n"

_PREFIXES = ("SPICE_", "NGSPICE_")


def write_spiceinit(folder: str | os.PathLike[str]) -> None:
    """Give ``folder`` its own start-up file: ngspice executes whatever ``.spiceinit`` it finds."""
    Path(folder, ".spiceinit").write_text(SPICEINIT, encoding="ascii")


def environment() -> dict[str, str]:
    """The environment of an ngspice process: this one's without ngspice's settings, numbers with a point."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES)}
    return {**kept, "LC_ALL": "C"}


@contextmanager
def settings_hidden() -> Iterator[None]:
    """Inside this context, ngspice's library finds none of its settings in this process's environment."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_PREFIXES)}
    try:
        yield
    finally:
        os.environ.update(hidden)


class PlainNumbers:
    """Inside this context, the C library reads and writes numbers with a point, whatever the locale. A class:
    it is entered for every command.
    """

    def __enter__(self) -> None:
        self._before = locale.setlocale(locale.LC_NUMERIC)
        if self._before != "C":
            locale.setlocale(locale.LC_NUMERIC, "C")

    def __exit__(self, *_: object) -> None:
        if self._before != "C":
            locale.setlocale(locale.LC_NUMERIC, self._before)
