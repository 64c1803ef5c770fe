"""Crossbars as the circuit of a network's layers: weights on tiles, ranges calibrated, effects by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal
from zlib import crc32

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.converters import Adc, Calibration, calibrated_range
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
    signed
        Inputs of both signs, in two passes; by default if the calibration inputs are.
    dac_bits, adc_bits
        Of the converters; None for exact ones.
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
    signed: bool | None = None
    dac_bits: int | None = None
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
        for name, high in (("dac_bits", 24), ("adc_bits", 24)):
            if getattr(self, name) is not None:
                checked_count(name, getattr(self, name), low=1 + (name == "adc_bits"), high=high, place=place)
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
            QUANTISATION: self.cells.levels is not None,
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
        return self.instances[0].matrix if self.chips == 1 else None

    def __call__(self, x: Any, read: TileReader | None = None) -> Any:
        """Weighted sums (n, outputs) of inputs (n, inputs); of several chips (chips, n, outputs)."""
        if self.chips == 1:
            return self.instances[0](x, read)
        return np.stack([instance(x, read) for instance in self.instances])

    def clip(self, x: Any) -> Any:
        """Inputs as the lines carry them; see `TiledLayer.clip`."""
        return self.instances[0].clip(x)

    def clipped(self, x: np.ndarray) -> int:
        """How many inputs are limited to the largest."""
        return self.instances[0].clipped(x)

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
        w, shown, first = self.weights, self._shown, self.instances[0]
        cells, passes = 2 * w.size, 1 + first.signed
        below, beside = first.tiling.grid
        realised = np.stack([instance.mapped.weights for instance in self.instances])
        size = np.linalg.norm(w) * np.sqrt(self.chips)
        return {
            "cells": cells,
            "tiles": below * beside,
            "utilisation": cells / (below * beside * self.circuit.tile[0] * self.circuit.tile[1]),
            "clipped_weights": int(np.count_nonzero(np.abs(w.T) > self._full_scale)),
            "saturated": sum(instance.saturated(shown) for instance in self.instances),
            "conversions": 0 if first.adc is None else self.chips * passes * len(shown) * below * len(w),
            "weight_error": float(np.linalg.norm(realised - w) / size) if size else 0.0,
            "input_scale": first.input_scale,
            "inputs": "two passes" if passes == 2 else "one pass",
        }  # fmt: skip

    @cached_property
    def instances(self) -> tuple[TiledLayer, ...]:
        """The tiles of every chip."""
        given, on = self.circuit, self.effects
        cells = given.cells if QUANTISATION in on else replace(given.cells, levels=None)
        targets = map_weights(self.weights, cells, self._full_scale)
        tiling = Tiling(*targets.conductances.shape, tile_rows=given.tile[0], tile_columns=given.tile[1])
        chips = range(given.chips) if self.number is None else [self.number]
        programmed = np.stack([self._programmed(targets, chip) for chip in chips])
        wires = given.wires if WIRES in on else IDEAL_WIRES
        bent = NONLINEARITY in on
        signed = bool(self.calibration.min(initial=0.0) < 0) if given.signed is None else given.signed
        layers = tuple(
            TiledLayer(
                replace(targets, conductances=conductances),
                tiling,
                wires,
                given.read_voltage,
                self._input_scale,
                nonlinearity=given.nonlinearity if bent else 0.0,
                verify_voltage=given.verify_voltage,
                signed=signed,
                dac_bits=given.dac_bits if DAC in on else None,
                memory=given.memory if bent else None,
                limited=CLIPPING in on,
            )
            for conductances in programmed
        )
        if layers[0].linear and not wires.ideal:
            kind = self.off & {QUANTISATION, PROGRAMMING, STUCK, WIRES, CLIPPING}
            if kind not in self.solved:
                self.solved[kind] = effective_tiles(programmed, tiling, wires)
            for layer, effective in zip(layers, self.solved[kind], strict=True):
                vars(layer)["effective"] = effective
        return tuple(map(self._with_converters, layers)) if ADC in on else layers

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

    def _programmed(self, targets: MappedWeights, chip: int) -> np.ndarray:
        """Conductances (inputs, 2 outputs) of one chip, S: the same draws whatever is switched off."""
        given, on, errors = self.circuit, self.effects, self.circuit.errors
        seed = [given.seed, chip, crc32(self.name.encode()), crc32(self.weights.tobytes())]
        cells = targets.conductances
        if PROGRAMMING in on:
            spread = replace(errors, stuck_low=0.0, stuck_high=0.0)
            cells = spread.programmed(cells, given.cells, np.random.default_rng([*seed, 0]))
        if STUCK in on:
            stuck = replace(errors, tolerance=0.0, variability=None)
            cells = stuck.programmed(cells, given.cells, np.random.default_rng([*seed, 1]))
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
