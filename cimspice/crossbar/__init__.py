"""Resistive crossbars with wires, solved exactly: linear arrays as one matrix, others by Newton steps."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cimspice.crossbar.emulator import (
        CellLaw,
        Crossbar,
        CrossbarNonConvergence,
        CrossbarTooLarge,
        NonlinearCrossbar,
        SeriesCell,
        SinhCell,
        Solution,
        TwoTerminalCell,
        Wires,
    )

__all__ = [
    "CellLaw",
    "Crossbar",
    "CrossbarNonConvergence",
    "CrossbarTooLarge",
    "NonlinearCrossbar",
    "SeriesCell",
    "SinhCell",
    "Solution",
    "TwoTerminalCell",
    "Wires",
]


def __getattr__(name: str) -> Any:
    """The solver is only imported when it is asked for: commands and benches load without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cimspice.crossbar import emulator

    return getattr(emulator, name)
