"""Crossbars as the circuit of a network's layers: weights on tiles, ranges calibrated, effects by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal
from zlib import crc32

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.converters import Adc, Calibration, calibrated_range, like
from cimspice.crossbar.emulator.one_transistor import AccessedMemory
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TiledLayer, TileReader, TileWires
from cimspice.crossbar.emulator.tile_stack import effective_tiles
from cimspice.crossbar.mapping.conductances import ConductanceRange, MappedWeights, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import CimspiceError, ParameterError

QUANTISATION, PROGRAMMING, STUCK = "level quantisation", "programming error", "stuck cells"
WIRES, NONLINEARITY, CLIPPING, DAC, ADC = "wires", "non-linearity", "clipping", "DAC", "ADC"
_CONVERTED = 512
"""Calibration inputs whose sums set the ranges of converters; spread evenly."""


@dataclass(frozen=True, kw_only=True)
class CrossbarCircuit:
    """How a matrix of weights is put on tiles, as differential pairs whose differences are converted.

    Attributes
    ----------
    cells
        Range and levels of the conductances.
    tile
        Rows and columns; two columns hold one output.
    wires
        Of every tile.
    errors
        Of programming, and stuck cells; drawn for every chip.
    read_voltage
        Of the largest input (V).
    nonlinearity, verify_voltage
        Of sinh cells (1/V), 0 for linear ones; the voltage at which conductances were set (V).
    memory
        Law of 1T1R cells, None for passive ones.
    weight_scale
        The weight that takes the whole range of conductances: of the whole matrix (``"tensor"``), or of each
        output (``"column"``).
    weight_percentile, input_percentile
        Of the magnitudes of weights and of calibration inputs, that which is full scale (%); larger ones are
        clipped.
    weight_bits, slice_bits
        Bits of the weights' magnitudes, and how many of them a cell holds: slices of a weight lie in tiles of
        their own, whose sums are shifted and added. None for weights in one cell each, which have `cells`'
        levels.
    signed
        Inputs of both signs, in two passes; by default if the calibration inputs are.
    dac_bits, adc_bits
        Of the converters; None for exact ones.
    bit_serial
        The ``dac_bits`` are read one after another instead of as one of many voltages.
    adc_calibration, adc_percentile
        Each tile's range from its sums of the calibration inputs: a percentile of the magnitudes (%), or that
        of the least mean square error.
    chips
        Instances with programming errors and stuck cells of their own.
    seed
        Of the draws.
    """

    cells: ConductanceRange = ConductanceRange()  # noqa: RUF009 - it is frozen
    tile: tuple[int, int] = (64, 64)
    wires: TileWires = TileWires()  # noqa: RUF009 - it is frozen
    errors: CellErrors = CellErrors(tolerance=0.0)  # noqa: RUF009 - it is frozen
    read_voltage: float = 0.2
    nonlinearity: float = 0.0
    verify_voltage: float = 0.1
    memory: AccessedMemory | None = None
    weight_scale: Literal["tensor", "column"] = "tensor"
    weight_percentile: float = 100.0
    input_percentile: float = 100.0
    weight_bits: int | None = None
    slice_bits: int | None = None
    signed: bool | None = None
    dac_bits: int | None = None
    bit_serial: bool = False
    adc_bits: int | None = None
    adc_calibration: Calibration = "percentile"
    adc_percentile: float = 100.0
    chips: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        place = "crossbar circuit"
        Tiling(1, 2, *self.tile)
        for name in ("weight_percentile", "input_percentile", "adc_percentile"):
            checked_number(name, getattr(self, name), above=0, high=100, place=place)
        for name in ("dac_bits", "adc_bits", "weight_bits", "slice_bits"):
            if getattr(self, name) is not None:
                checked_count(name, getattr(self, name), low=1 + (name == "adc_bits"), high=24, place=place)
        if (self.weight_bits is None) != (self.slice_bits is None) or (
            self.weight_bits is not None and self.cells.levels is not None
        ):
            raise ParameterError(
                "levels, weight_bits and slice_bits together, or one of the two bits alone",
                place=place,
                remedy="give weight_bits and slice_bits, or levels",
            )
        if self.bit_serial and self.dac_bits is None:
            raise ParameterError(
                "inputs bit by bit without a number of bits", place=place, remedy="give dac_bits"
            )
        checked_count("chips", self.chips, place=place)
        checked_count("seed", self.seed, low=0, place=place)
        for name, allowed in (
            ("weight_scale", ("tensor", "column")),
            ("adc_calibration", ("percentile", "least error")),
        ):
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}", place=place, remedy=f"use {' or '.join(allowed)}"
                )

    @property
    def family(self) -> str:
        """Its name."""
        return "crossbar"

    @property
    def effects(self) -> tuple[str, ...]:
        """What takes its sums off those of the weights."""
        errors = self.errors
        there = {
            QUANTISATION: self.cells.levels is not None or self.weight_bits is not None,
            PROGRAMMING: errors.tolerance > 0 or errors.variability is not None,
            STUCK: errors.stuck_low + errors.stuck_high > 0,
            WIRES: not self.wires.ideal,
            NONLINEARITY: self.nonlinearity > 0 or self.memory is not None,
            CLIPPING: True,
            DAC: self.dac_bits is not None,
            ADC: self.adc_bits is not None,
        }
        return tuple(name for name, present in there.items() if present)

    def layer(self, weights: np.ndarray, calibration: np.ndarray, name: str = "layer") -> MappedLayer:
        """The tiles of weights (outputs, inputs), ranges calibrated with inputs (n, inputs).

        Raises
        ------
        MappingError, ParameterError
            For what cannot be mapped, naming the layer.
        """
        try:
            w = checked_array("weights", weights, ("outputs", "inputs"))
            x = checked_array(
                "calibration", calibration, ("n", w.shape[1]), low=0 if self.signed is False else -np.inf
            )
            made = MappedLayer(self, w, x, name)
            _ = made.instances
        except CimspiceError as error:
            error.place = f"layer {name!r}: {error.place}"
            raise
        return made


@dataclass(frozen=True, eq=False)
class MappedLayer:
    """A layer's weights (outputs, inputs) on tiles; the protocol of `cimspice.network.circuit.Layer`."""

    circuit: CrossbarCircuit
    weights: np.ndarray
    calibration: np.ndarray
    name: str
    off: frozenset[str] = frozenset()
    number: int | None = None
    """Of the chip that this is, of several."""
    solved: dict[frozenset[str], np.ndarray] = field(default_factory=dict, repr=False)
    """Effective conductances by the switches that they depend on, shared by all `without`."""

    @property
    def effects(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(name for name in self.circuit.effects if name not in self.off)

    @property
    def chips(self) -> int:
        """Instances."""
        return 1 if self.number is not None else self.circuit.chips

    @property
    def matrix(self) -> np.ndarray | None:
        """Realised weights (outputs, inputs) of linear tiles without converters behind them, of one chip."""
        return self._matrix

    @cached_property
    def _matrix(self) -> np.ndarray | None:
        found = [part.matrix for part in self.instances[0] if part.matrix is not None]
        return sum(found[1:], found[0]) if found and self.chips == 1 else None

    def __call__(self, x: Any, read: TileReader | None = None) -> Any:
        """Weighted sums (n, outputs) of inputs (n, inputs); of several chips (chips, n, outputs)."""
        if read is None and self.matrix is not None:
            if isinstance(x, np.ndarray):
                x = checked_array("inputs", x, ("n", self.weights.shape[1]))
            lines = self.clip(x)
            return lines @ like(self.matrix.T, lines)
        sums = [sum((part(x, read) for part in parts[1:]), parts[0](x, read)) for parts in self.instances]
        return sums[0] if self.chips == 1 else np.stack(sums)

    def clip(self, x: Any) -> Any:
        """Inputs as the lines carry them; see `TiledLayer.clip`."""
        return self.instances[0][0].clip(x)

    def clipped(self, x: np.ndarray) -> int:
        """How many inputs are limited to the largest."""
        return self.instances[0][0].clipped(x)

    def without(self, *effects: str) -> MappedLayer:
        """The layer with these effects switched off; ranges of converters are calibrated anew."""
        for name in effects:
            if name not in self.circuit.effects:
                raise ParameterError(
                    f"no effect {name!r}",
                    place=f"layer {self.name!r}",
                    remedy=f"choose from {', '.join(self.circuit.effects)}",
                )
        return replace(self, off=self.off | set(effects))

    def chip(self, number: int) -> MappedLayer:
        """One of the chips, from 0."""
        if not 0 <= number < self.chips:
            raise ParameterError(
                f"no chip {number}", place=f"layer {self.name!r}", remedy=f"give 0 to {self.chips - 1}"
            )
        if self.chips == 1:
            return self
        one = replace(self, number=number, solved={})
        vars(one)["instances"] = self.instances[number : number + 1]
        return one

    def facts(self) -> dict[str, Any]:
        """Cells, tiles and what did not fit; ``saturated`` of the calibration's conversions."""
        w, shown, parts = self.weights, self._shown, self.instances[0]
        first, cells = parts[0], 2 * self.weights.size * len(parts)
        below, beside = first.tiling.grid
        tiles, passes = below * beside * len(parts), len(first.passes)
        size = np.linalg.norm(w) * np.sqrt(self.chips)
        sums = self.chips * passes * len(parts) * len(shown) * below * len(w)
        return {
            "cells": cells,
            "tiles": tiles,
            "utilisation": cells / (tiles * self.circuit.tile[0] * self.circuit.tile[1]),
            "clipped_weights": int(np.count_nonzero(np.abs(w.T) > self._full_scale)),
            "saturated": sum(part.saturated(shown) for parts in self.instances for part in parts),
            "conversions": 0 if first.adc is None else sums,
            "weight_error": float(np.linalg.norm(self._realised - w) / size) if size else 0.0,
            "input_scale": first.input_scale,
            "inputs": f"{passes} passes" if passes > 1 else "one pass",
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """What is programmed: ``conductances`` (chips, slices, inputs, 2 outputs), S, G⁺ and G⁻ side by side;
        ``unit`` (slices, outputs), weight per siemens of G⁺ - G⁻; ``weights`` (chips, outputs, inputs), which
        these give summed over the slices."""
        parts, outputs = self.instances, len(self.weights)
        return {
            "conductances": np.array([[part.mapped.conductances for part in chip] for chip in parts]),
            "unit": np.array([np.broadcast_to(part.mapped.unit, outputs) for part in parts[0]]),
            "weights": self._realised,
        }

    @cached_property
    def _realised(self) -> np.ndarray:
        return np.stack([sum(part.mapped.weights for part in parts) for parts in self.instances])

    @cached_property
    def instances(self) -> tuple[tuple[TiledLayer, ...], ...]:
        """The tiles of every chip, slice by slice of the weights; what the slices sum is added."""
        given, on = self.circuit, self.effects
        targets = self._slices()
        tiling = Tiling(*targets[0].conductances.shape, tile_rows=given.tile[0], tile_columns=given.tile[1])
        chips = range(given.chips) if self.number is None else [self.number]
        programmed = np.array(
            [[self._programmed(part, chip, place) for place, part in enumerate(targets)] for chip in chips]
        )
        wires = given.wires if WIRES in on else IDEAL_WIRES
        bent = NONLINEARITY in on
        signed = bool(self.calibration.min(initial=0.0) < 0) if given.signed is None else given.signed
        common = {
            "nonlinearity": given.nonlinearity if bent else 0.0,
            "verify_voltage": given.verify_voltage,
            "signed": signed,
            "dac_bits": given.dac_bits if DAC in on else None,
            "memory": given.memory if bent else None,
            "limited": CLIPPING in on,
            "bit_serial": given.bit_serial and DAC in on and CLIPPING in on,
        }
        volts, scale = given.read_voltage, self._input_scale
        made = [
            [
                TiledLayer(replace(part, conductances=cells), tiling, wires, volts, scale, **common)
                for part, cells in zip(targets, chip, strict=True)
            ]
            for chip in programmed
        ]
        if made[0][0].linear and not wires.ideal:
            kind = self.off & {QUANTISATION, PROGRAMMING, STUCK, WIRES, CLIPPING}
            if kind not in self.solved:
                self.solved[kind] = effective_tiles(programmed, tiling, wires)
            for parts, solved in zip(made, self.solved[kind], strict=True):
                for part, effective in zip(parts, solved, strict=True):
                    vars(part)["effective"] = effective
        finished = self._with_converters if ADC in on else lambda part: part
        return tuple(tuple(map(finished, parts)) for parts in made)

    def _slices(self) -> list[MappedWeights]:
        """Target conductances: of all weights in one cell pair each, or of their digits, the least first."""
        given, full = self.circuit, self._full_scale
        if given.weight_bits is None or QUANTISATION not in self.effects:
            levels = given.cells.levels if QUANTISATION in self.effects else None
            return [map_weights(self.weights, replace(given.cells, levels=levels), full)]
        assert given.slice_bits is not None
        most, base = 2**given.weight_bits - 1, 2**given.slice_bits
        codes = np.rint(np.minimum(np.abs(self.weights.T) / full, 1.0).T * most)
        found, cells = [], replace(given.cells, levels=base)
        for place in range(-(-given.weight_bits // given.slice_bits)):
            digits = np.sign(self.weights) * (np.floor(codes / base**place) % base)
            mapped = map_weights(digits, cells, float(base - 1))
            found.append(replace(mapped, unit=mapped.unit * full * (base**place / most)))
        return found

    @property
    def _full_scale(self) -> float | np.ndarray:
        """The weight, or that of each output, that takes the whole range."""
        magnitude = np.abs(self.weights)
        percentile = self.circuit.weight_percentile if CLIPPING in self.effects else 100.0
        axis = None if self.circuit.weight_scale == "tensor" else 1
        found, largest = np.percentile(magnitude, percentile, axis), magnitude.max(axis)
        scale = np.where(found > 0, found, np.where(largest > 0, largest, 1.0))
        return float(scale) if axis is None else scale

    @property
    def _input_scale(self) -> float:
        magnitude = np.abs(self.calibration)
        found = np.percentile(magnitude, self.circuit.input_percentile) if magnitude.size else 0.0
        return float(found or magnitude.max(initial=0.0) or 1.0)

    def _programmed(self, targets: MappedWeights, chip: int, place: int) -> np.ndarray:
        """Conductances (inputs, 2 outputs) of one chip and slice, S: the same draws whatever is off."""
        given, on, errors = self.circuit, self.effects, self.circuit.errors
        seed = [given.seed, chip, crc32(self.name.encode()), crc32(self.weights.tobytes())]
        cells = targets.conductances
        if PROGRAMMING in on:
            spread = replace(errors, stuck_low=0.0, stuck_high=0.0)
            cells = spread.programmed(cells, given.cells, np.random.default_rng([*seed, 0, place]))
        if STUCK in on:
            stuck = replace(errors, tolerance=0.0, variability=None)
            cells = stuck.programmed(cells, given.cells, np.random.default_rng([*seed, 1, place]))
        return cells

    @property
    def _shown(self) -> np.ndarray:
        every = -(-len(self.calibration) // _CONVERTED)
        return self.calibration[:: max(1, every)]

    def _with_converters(self, layer: TiledLayer) -> TiledLayer:
        given = self.circuit
        assert given.adc_bits is not None
        ranges = [
            calibrated_range(sums, given.adc_bits, given.adc_calibration, given.adc_percentile)
            for sums in layer.differences(self._shown)
        ]
        made = replace(layer, adc=Adc(given.adc_bits, np.reshape(ranges, layer.tiling.grid)))
        if layer.linear:
            vars(made)["effective"] = layer.effective
        return made
