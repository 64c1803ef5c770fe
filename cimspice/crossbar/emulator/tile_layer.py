"""A layer on crossbar tiles: weights as cells, inputs as voltages, partial sums converted and added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number, kept_array, like, namespace
from cimspice.crossbar.emulator.array import Crossbar
from cimspice.crossbar.emulator.cells import SinhCell
from cimspice.crossbar.emulator.converters import Adc, to_lines
from cimspice.crossbar.emulator.nonlinear import NonlinearCrossbar
from cimspice.crossbar.emulator.one_transistor import AccessedMemory, OneTransistorCell
from cimspice.crossbar.emulator.tile_stack import effective_tiles
from cimspice.crossbar.emulator.wires import Drive, Sense
from cimspice.crossbar.mapping.conductances import MappedWeights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import ParameterError

TileReader = Callable[["TiledLayer", Sequence[np.ndarray]], list[np.ndarray]]
"""Layer, and voltages (batch, rows), V, of each of its tiles, to their currents (batch, columns), A."""


@dataclass(frozen=True)
class TileWires:
    """Wires of every tile (ohms), as `cimspice.crossbar.Crossbar` takes them."""

    word_line_resistance: float = 1.0
    bit_line_resistance: float = 1.0
    source_resistance: float = 0.0
    sense_resistance: float = 0.0
    drive: Drive = "left"
    sense: Sense = "bottom"

    @property
    def ideal(self) -> bool:
        """Whether nothing in them resists."""
        lines = self.word_line_resistance, self.bit_line_resistance
        return not any((*lines, self.source_resistance, self.sense_resistance))


IDEAL_WIRES = TileWires(0.0, 0.0)
"""Segments of 0 Ω."""


@dataclass(frozen=True, eq=False)
class TiledLayer:
    """One layer: what its cells conduct, how they are cut into tiles, and what inputs and currents mean.

    Attributes
    ----------
    mapped
        Conductances (inputs, columns) as read with ``verify_voltage`` across the cell, S.
    tiling
        Its tiles.
    wires
        Of every tile.
    read_voltage
        Word line voltage of the largest input (V).
    input_scale
        The input that gives ``read_voltage``; larger ones are clipped, as a converter does.
    nonlinearity
        a of cells i = g sinh(a v) / a (1/V); 0 for linear ones.
    verify_voltage
        At which the cells' conductances were set (V): a sinh cell conducts i/v = its conductance there.
    gains
        Digital factors on the sums of each output (tiles, outputs of a tile); None for 1.
    signed
        Inputs have both signs: positive ones are read in a first pass, the magnitudes of negative ones in a
        second, and the sums subtracted.
    dac_bits
        Of the converters of the inputs' magnitudes; None for exact voltages.
    bit_serial
        The ``dac_bits`` are read one after another, each at ``read_voltage`` or 0 V, and their sums weighted.
    adc
        Converters of each tile's sums; None for exact ones.
    memory
        Of 1T1R cells: their law; None for passive cells.
    limited
        Whether inputs beyond ``input_scale`` are clipped; without, voltages rise as far as inputs do.
    """

    mapped: MappedWeights
    tiling: Tiling
    wires: TileWires
    read_voltage: float
    input_scale: float
    nonlinearity: float = 0.0
    verify_voltage: float = 0.1
    gains: tuple[np.ndarray, ...] | None = None
    signed: bool = False
    dac_bits: int | None = None
    adc: Adc | None = None
    memory: AccessedMemory | None = None
    limited: bool = True
    bit_serial: bool = False

    def __post_init__(self) -> None:
        for name in ("read_voltage", "input_scale", "verify_voltage"):
            checked_number(name, getattr(self, name), above=0, place="TiledLayer")
        checked_number("nonlinearity", self.nonlinearity, low=0, place="TiledLayer")
        if self.dac_bits is not None:
            checked_count("dac_bits", self.dac_bits, high=24, place="TiledLayer")
        if self.bit_serial and (self.dac_bits is None or not self.limited):
            raise ParameterError(
                "inputs bit by bit without a number of bits", place="TiledLayer", remedy="give dac_bits"
            )
        inputs, columns = self.mapped.conductances.shape
        if (self.tiling.rows, self.tiling.columns) != (inputs, columns):
            raise ParameterError(
                f"tiles cover {self.tiling.rows} x {self.tiling.columns} cells of {inputs} x {columns}",
                place="TiledLayer.tiling",
                remedy="give Tiling(*mapped.conductances.shape)",
            )
        self.mapped.columns.check(self.tiling.tile_columns)
        if self.gains is not None:
            outputs = self._counts
            if len(self.gains) != len(outputs):
                raise ParameterError(
                    f"gains of {len(self.gains)} tiles, there are {len(outputs)}",
                    place="TiledLayer.gains",
                    remedy="give an array of gains for each tile",
                )
            pairs = zip(self.gains, outputs, strict=True)
            object.__setattr__(
                self, "gains", tuple(kept_array("gains", gain, (count,)) for gain, count in pairs)
            )

    @property
    def outputs(self) -> int:
        """Of the layer."""
        return self.mapped.columns.count(self.tiling.columns)

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Inputs and outputs of every tile."""
        return [(rows, self.mapped.columns.outputs(columns)) for rows, columns in self.tiling.places]

    @property
    def passes(self) -> np.ndarray:
        """What the sums of each pass over the inputs are weighted with."""
        bits = np.ones(1)
        if self.bit_serial:
            assert self.dac_bits is not None
            bits = 2.0 ** np.arange(self.dac_bits) / (2**self.dac_bits - 1)
        return np.concatenate([bits, -bits]) if self.signed else bits

    @property
    def linear(self) -> bool:
        """Whether every tile's currents are its voltages times a matrix."""
        return self.nonlinearity == 0 and self.memory is None

    @cached_property
    def tile_conductances(self) -> list[np.ndarray]:
        """Conductances (S) of each tile at 0 V; linear cells have them anywhere."""
        bend = self.nonlinearity * self.verify_voltage
        share = bend / np.sinh(bend) if bend > 0 else 1.0
        return self.tiling.cut(self.mapped.conductances * share)

    @cached_property
    def tile_states(self) -> list[np.ndarray]:
        """States of each tile's memories, of 1T1R cells."""
        assert self.memory is not None
        return self.tiling.cut(self.memory.states_of(self.mapped.conductances, self.verify_voltage))

    @cached_property
    def tiles(self) -> list[Crossbar | NonlinearCrossbar]:
        """The arrays."""
        wires = asdict(self.wires)
        if self.memory is not None:
            device, table = self.memory.device, self.memory.transistor
            laws = [OneTransistorCell(device, states, table) for states in self.tile_states]
            return [NonlinearCrossbar(law, law.shape, **wires) for law in laws]
        if self.nonlinearity > 0:
            return [
                NonlinearCrossbar(SinhCell(g, self.nonlinearity), **wires) for g in self.tile_conductances
            ]
        return [Crossbar(g, **wires) for g in self.tile_conductances]

    @cached_property
    def effective(self) -> np.ndarray:
        """What each tile's wires leave of its linear cells (inputs, columns), S, in the cells' places."""
        if self.wires.ideal:
            return self.mapped.conductances
        return effective_tiles(self.mapped.conductances, self.tiling, self.wires)

    @cached_property
    def matrix(self) -> np.ndarray | None:
        """Weights (outputs, inputs) that all tiles together are, where nothing non-linear follows them."""
        if not self.linear or self.adc is not None:
            return None
        matrix = np.ascontiguousarray((self._sums(self.effective) * self._of_tiles(self._gains)).T)
        matrix *= np.reshape(self.mapped.unit, (-1, 1))
        matrix.setflags(write=False)
        return matrix

    def clip(self, x: Any) -> Any:
        """Inputs (any shape) as the lines carry them: limited to ``input_scale``, rounded by the DAC.

        Raises
        ------
        ParameterError
            For negative ones where only magnitudes are read.
        """
        plain = isinstance(x, np.ndarray)
        if not self.signed and (x.min(initial=0.0) < 0 if plain else namespace(x).any(x < 0)):
            raise ParameterError(
                f"inputs hold {f'{x.min():g}' if plain else 'numbers below 0'}",
                place="inputs",
                remedy="this layer was calibrated with none below 0: calibrate it with such inputs, too",
            )
        return to_lines(x, self.input_scale, self.signed, self.dac_bits, self.limited)

    def clipped(self, x: np.ndarray) -> int:
        """How many of the inputs (any shape) are larger than ``input_scale`` in magnitude."""
        return int(np.count_nonzero(np.abs(x) > self.input_scale)) if self.limited else 0

    def __call__(self, x: Any, read: TileReader | None = None) -> Any:
        """Weighted sums (batch, outputs) of inputs (batch, inputs).

        Linear tiles take arrays of any library with numpy's array API, and torch tensors. ``read`` takes the
        place of the exact solver: ngspice, or a measurement.
        """
        if read is None and self.linear:
            if isinstance(x, np.ndarray | Sequence):
                x = checked_array("inputs", x, ("batch", self.tiling.rows))
            lines = self.clip(x)
            if self.matrix is not None:
                return lines @ like(self.matrix.T, lines)
            return self._converted(lines)
        return self.decoded((read or solved)(self, list(self.tiling.inputs(self.voltages(x)))))

    def voltages(self, x: np.ndarray) -> np.ndarray:
        """Word line voltages (passes · batch, inputs) of inputs (batch, inputs), pass by pass."""
        lines = self.clip(checked_array("inputs", x, ("batch", self.tiling.rows)))
        return np.concatenate(self._in_passes(lines)) * (self.read_voltage / self.input_scale)

    def decoded(self, currents: Sequence[np.ndarray]) -> np.ndarray:
        """Weighted sums (batch, outputs) of the tiles' column currents (A) at `voltages`."""
        found = [self._sums(part) for part in self.tiling.checked(currents)]
        if self.adc is not None:
            adc, steps = self.adc, self.adc.steps.ravel()
            found = [adc.codes(part / step) * step for part, step in zip(found, steps, strict=True)]
        if self.gains is not None:
            found = [part * gain for part, gain in zip(found, self.gains, strict=True)]
        total = np.zeros((len(found[0]), self.outputs))
        for (_, outputs), part in zip(self.places, found, strict=True):
            total[:, outputs] += part
        total *= self.mapped.unit * (self.input_scale / self.read_voltage)
        return np.tensordot(self.passes, total.reshape(len(self.passes), -1, total.shape[1]), 1)

    def differences(self, x: np.ndarray) -> list[np.ndarray]:
        """Currents (batch, outputs of the tile), A, that each tile's converters get at `voltages`."""
        inputs = list(self.tiling.inputs(self.voltages(x)))
        if not self.linear:
            return [self._sums(currents) for currents in solved(self, inputs)]
        tiles = self.tiling.cut(self.effective)
        return [volts @ self._sums(tile) for volts, tile in zip(inputs, tiles, strict=True)]

    def saturated(self, x: np.ndarray) -> int:
        """How many conversions of inputs (batch, inputs) saturate."""
        if self.adc is None:
            return 0
        steps = self.adc.steps.ravel()
        parts = zip(self.differences(x), steps, strict=True)
        return sum(self.adc.saturated(part / step) for part, step in parts)

    def with_conductances(
        self, conductances: np.ndarray, gains: tuple[np.ndarray, ...] | None = None
    ) -> TiledLayer:
        """The same layer with other cells (inputs, columns), S, and the digital gains that go with them."""
        return replace(self, mapped=replace(self.mapped, conductances=conductances), gains=gains)

    def _sums(self, columns: np.ndarray) -> np.ndarray:
        return self.mapped.columns.sums(columns)

    def _in_passes(self, lines: Any) -> list[Any]:
        """What the lines carry in each of the `passes` (batch, inputs), none below 0."""
        xp = namespace(lines)
        above, none = lines > 0, xp.zeros_like(lines)
        parts = [xp.where(above, lines, none), xp.where(above, none, -lines)] if self.signed else [lines]
        if not self.bit_serial:
            return parts
        assert self.dac_bits is not None
        step = self.input_scale / (2**self.dac_bits - 1)
        codes = [xp.round(part / step) for part in parts]
        return [
            xp.floor(code / 2**bit) % 2 * self.input_scale for code in codes for bit in range(self.dac_bits)
        ]

    def _converted(self, lines: Any) -> Any:
        """Sums (batch, outputs) of converted partial sums: one product for each row of tiles, all stacked."""
        if len(self.passes) == 1:
            return self._one_pass(lines)
        parts = zip(self.passes.tolist(), self._in_passes(lines), strict=True)
        weight, first = next(parts)
        total = weight * self._one_pass(first)
        for weight, part in parts:
            total = total + weight * self._one_pass(part)
        return total

    def _one_pass(self, lines: Any) -> Any:
        assert self.adc is not None
        xp = namespace(lines)
        in_steps, weight = self._in_steps
        height, below = in_steps.shape[1], len(in_steps)
        missing = below * height - lines.shape[1]
        if missing:
            rest = like(np.zeros((lines.shape[0], missing)), lines)
            lines = (np.concatenate if xp is np else xp.concat)([lines, rest], axis=1)
        stacked = xp.moveaxis(xp.reshape(lines, (lines.shape[0], below, height)), 1, 0)
        codes = self.adc.codes(stacked @ like(in_steps, lines))
        if xp is np:
            return np.einsum("tbo,to->bo", codes, weight)
        return xp.sum(codes * like(weight, lines)[:, None, :], axis=0)

    @cached_property
    def _in_steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs to converters' steps, (tile rows, rows of a tile, outputs), rows that are not there 0; and
        what a step contributes to the sums (tile rows, outputs).
        """
        assert self.adc is not None
        below, _ = self.tiling.grid
        height = min(self.tiling.tile_rows, self.tiling.rows)
        per_input = self.read_voltage / self.input_scale
        per_step = [
            np.full(shape, step) for shape, step in zip(self._counts, self.adc.steps.ravel(), strict=True)
        ]
        steps = self._of_tiles(per_step)
        matrix = np.zeros((below * height, self.outputs))
        matrix[: self.tiling.rows] = self._sums(self.effective) * per_input / steps
        tops = np.arange(below) * height
        weight = (steps * self._of_tiles(self._gains))[tops] * self.mapped.unit / per_input
        return matrix.reshape(below, height, -1), weight

    @property
    def _counts(self) -> list[int]:
        """Outputs of each tile."""
        return [outputs.stop - outputs.start for _, outputs in self.places]

    @property
    def _gains(self) -> Sequence[np.ndarray]:
        return self.gains or [np.ones(count) for count in self._counts]

    def _of_tiles(self, values: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """A value for each tile, or for each of its outputs, in its weights' places (inputs, outputs)."""
        spread = np.empty((self.tiling.rows, self.outputs))
        for place, value in zip(self.places, values, strict=True):
            spread[place] = value
        return spread


def solved(layer: TiledLayer, voltages: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A `TileReader`: the exact solver."""
    return [tile.currents(volts) for tile, volts in zip(layer.tiles, voltages, strict=True)]
