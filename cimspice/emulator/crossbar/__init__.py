"""Resistive crossbars with wires, solved exactly: linear arrays as one matrix, others by Newton steps."""

from cimspice.emulator.crossbar.array import Crossbar
from cimspice.emulator.crossbar.cells import CellLaw, SeriesCell, SinhCell, TwoTerminalCell
from cimspice.emulator.crossbar.conjugate import CrossbarNonConvergence
from cimspice.emulator.crossbar.cost import CrossbarTooLarge
from cimspice.emulator.crossbar.nonlinear import NonlinearCrossbar
from cimspice.emulator.crossbar.solution import Solution
from cimspice.emulator.crossbar.wires import Wires

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
