"""Resistive crossbars with wires, solved exactly: linear arrays as one matrix, others by Newton steps."""

from cimspice.crossbar.emulator.array import Crossbar
from cimspice.crossbar.emulator.cells import CellLaw, SeriesCell, SinhCell, TwoTerminalCell
from cimspice.crossbar.emulator.conjugate import CrossbarNonConvergence
from cimspice.crossbar.emulator.cost import CrossbarTooLarge
from cimspice.crossbar.emulator.nonlinear import NonlinearCrossbar
from cimspice.crossbar.emulator.solution import Solution
from cimspice.crossbar.emulator.wires import Wires

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
