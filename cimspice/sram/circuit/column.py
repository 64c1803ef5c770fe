"""A column of 6T cells: its wires, the circuits around it, and when they are switched."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import computed_field, model_validator

from cimspice.netlist import NetlistParameters, quantity
from cimspice.pdk.wires import cell_wires

Width = Annotated[float, quantity("m", ge=0.42e-6, le=100e-6)]
Time = Annotated[float, quantity("s", ge=0, le=1e-6)]


class SramColumn(NetlistParameters):
    """Size of an array; resistance and capacitance of its wires follow from the layout of the cell
    (``cimspice.pdk.cell_wires``)."""

    rows: Annotated[int, quantity("1", ge=2, le=4096, description="cells on a bit line")] = 128
    columns: Annotated[int, quantity("1", ge=1, le=4096, description="cells on a word line, one word")] = 64

    @computed_field
    @property
    def bit_line_resistance(self) -> float:
        """End to end (ohm)."""
        return self.rows * cell_wires().bit_line_resistance

    @computed_field
    @property
    def bit_line_capacitance(self) -> float:
        """Of the wire of one bit line, without transistors (F)."""
        return self.rows * cell_wires().bit_line_capacitance

    @computed_field
    @property
    def bit_line_coupling(self) -> float:
        """Between the two bit lines (F)."""
        return self.rows * cell_wires().bit_line_coupling

    @computed_field
    @property
    def word_line_resistance(self) -> float:
        """End to end (ohm)."""
        return self.columns * cell_wires().word_line_resistance

    @computed_field
    @property
    def word_line_capacitance(self) -> float:
        """Of the wire, without gates (F)."""
        return self.columns * cell_wires().word_line_capacitance


class SramPeriphery(NetlistParameters):
    """Widths of the transistors around a column of cells, all 0.15 µm long; of a gate's n-channel ones, its
    p-channel ones being twice as wide.

    Our choices, for 128 rows and 64 columns: a word line that opens in 100 ps, a precharge well within a
    nanosecond, a write driver far stronger than the cell, and a sense amplifier whose offset is a tenth of
    the swing that it is given.
    """

    precharge_width: Width = 2e-6
    precharge_driver_width: Width = 2e-6
    word_line_driver_width: Width = 4e-6
    write_driver_width: Width = 4e-6
    sense_follow_width: Width = 1e-6
    sense_width_n: Width = 2e-6
    sense_width_p: Width = 1e-6
    sense_tail_width: Width = 2e-6
    sense_output_width: Width = 0.84e-6
    sense_driver_width: Width = 2e-6


class SramTiming(NetlistParameters):
    """When a controller acts, in the order of a cycle.

    The precharge ends at ``begin``, the word line is switched on at ``open`` and off at ``close`` (a
    read closes it earlier by itself, once the sense amplifier is enabled), and the precharge begins
    again at ``precharge_again``.
    """

    begin: Time = 0.2e-9
    open: Time = 0.3e-9
    close: Time = 4e-9
    precharge_again: Time = 4.2e-9
    end: Time = 6e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of every control")] = 50e-12

    @model_validator(mode="after")
    def _in_order(self) -> SramTiming:
        order = (0.0, self.begin, self.open, self.close, self.precharge_again, self.end)
        if any(later - earlier < 1.5 * self.edge for earlier, later in pairwise(order)):
            raise ValueError(
                "begin, open, close, precharge_again and end must follow one another"
                f" by more than an edge and a half, {1.5 * self.edge:g} s"
            )
        return self
