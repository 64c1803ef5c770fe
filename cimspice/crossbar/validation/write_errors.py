"""What write-verify leaves of a cell's targets, by the model of a card's cell or one fitted to ngspice."""

from __future__ import annotations

from functools import cache

from cimspice.crossbar.emulator.cell_errors import WriteErrors
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.families import read_card
from cimspice.rram.model.card import FAMILY, cell_of
from cimspice.rram.model.programming import WriteScheme
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.rram.validation.cell import CircuitCell, fit_cell


@cache
def write_errors(tolerance: float, cells: ConductanceRange, memory_card: str | None = None) -> WriteErrors:
    """Of the cell on a memory's card in a file, or of SkyWater's, fitted to ngspice.

    Raises
    ------
    CimspiceError
        For a file that is no such card, or a card without a cell.
    """
    scheme = WriteScheme(tolerance=tolerance)
    if memory_card is None:
        cell = fit_cell(SkywaterReram.published(), CircuitCell(), scheme).cell
        return WriteErrors.of(cell, cells, scheme)
    card = read_card(memory_card, FAMILY)
    celsius = card.conditions.temperature
    return WriteErrors.of(cell_of(card), cells, scheme, ambient=27.0 if celsius is None else celsius)
