"""A layer of a network on crossbar tiles: ranges calibrated, effects by name, stuck cells avoided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from cimspice.arrays import checked_array, like
from cimspice.crossbar.emulator.converters import Adc, calibrated_range
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TiledLayer, TileReader
from cimspice.crossbar.emulator.tile_stack import effective_tiles
from cimspice.crossbar.mapping.conductances import MappedWeights
from cimspice.crossbar.mapping.forms import SIGN, targets
from cimspice.crossbar.mapping.remapping import Placement, avoid_stuck_cells, stuck_error
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import ParameterError

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.circuit import CrossbarCircuit

QUANTISATION, PROGRAMMING, STUCK = "level quantisation", "programming error", "stuck cells"
WIRES, NONLINEARITY, CLIPPING, DAC, ADC = "wires", "non-linearity", "clipping", "DAC", "ADC"
_CONVERTED = 512
"""Calibration inputs whose sums set the ranges of converters; spread evenly."""


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

    @property
    def fast(self) -> bool:
        """Whether thousands of inputs take seconds: cells are linear, whatever converts their sums."""
        return self.instances[0][0].linear

    @cached_property
    def _matrix(self) -> np.ndarray | None:
        found = [part.matrix for part in self.instances[0] if part.matrix is not None]
        if not found or self.chips > 1:
            return None
        matrix, placement = sum(found[1:], found[0]), self.placements[0]
        return matrix if placement is None else placement.matrix(matrix)

    def __call__(self, x: Any, read: TileReader | None = None) -> Any:
        """Weighted sums (n, outputs) of inputs (n, inputs); of several chips (chips, n, outputs)."""
        if read is None and self.matrix is not None:
            if isinstance(x, np.ndarray):
                x = checked_array("inputs", x, ("n", self.weights.shape[1]))
            lines = self.clip(x)
            return lines @ like(self.matrix.T, lines)
        sums = []
        for parts, placement in zip(self.instances, self.placements, strict=True):
            lines = x if placement is None else _reordered(x, placement.rows)
            found = sum((part(lines, read) for part in parts[1:]), parts[0](lines, read))
            sums.append(found if placement is None else _reordered(found, np.argsort(placement.pairs)))
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
        for name in ("instances", "placements"):
            vars(one)[name] = getattr(self, name)[number : number + 1]
        return one

    def facts(self) -> dict[str, Any]:
        """Cells, tiles and what did not fit; ``saturated`` of the calibration's conversions."""
        w, parts = self.weights, self.instances[0]
        first, cells = parts[0], sum(part.mapped.conductances.size for part in parts)
        below, beside = first.tiling.grid
        tiles, passes = below * beside * len(parts), len(first.passes)
        size = np.linalg.norm(w) * np.sqrt(self.chips)
        sums = self.chips * passes * len(parts) * len(self._shown(0)) * below * len(w)
        return {
            "cells": cells,
            "tiles": tiles,
            "utilisation": cells / (tiles * self.circuit.tile[0] * self.circuit.tile[1]),
            "clipped_weights": int(np.count_nonzero(np.abs(w.T) > self._full_scale)),
            "saturated": sum(
                part.saturated(self._shown(place))
                for place, parts in enumerate(self.instances)
                for part in parts
            ),
            "conversions": 0 if first.adc is None else sums,
            "weight_error": float(np.linalg.norm(self._realised - w) / size) if size else 0.0,
            "input_scale": first.input_scale,
            "inputs": f"{passes} passes" if passes > 1 else "one pass",
            **self._unverified(),
            **self._remapped(),
        }

    def _unverified(self) -> dict[str, int]:
        """Cells of all chips that write-verify gave up beyond its tolerance; those that are stuck are not."""
        written = self.circuit.errors.written
        if written is None or PROGRAMMING not in self.effects:
            return {}
        wanted = np.array([part.conductances for part in self._slices])
        off = np.abs(self.without(*{STUCK} & set(self.effects))._conductances / wanted - 1)
        return {"unverified": int(np.count_nonzero(off > written.tolerance))}

    def _remapped(self) -> dict[str, Any]:
        """Stuck cells of all chips, and their error of the weighted sums (rms, relative to the sums') without
        and with exchanged places."""
        if self.placements[0] is None:
            return {}
        targets, scale = self._pairs
        size = np.linalg.norm(self.weights * np.sqrt(self._input_power)) * np.sqrt(self.chips) or 1.0
        pairs = list(zip(self._stuck_cells, self.placements, strict=True))
        before = [stuck_error(targets, stuck, scale) for stuck, _ in pairs]
        after = [stuck_error(targets, stuck, scale, placement) for stuck, placement in pairs]
        return {
            "stuck_cells": sum(int(np.count_nonzero(np.isfinite(stuck))) for stuck, _ in pairs),
            "stuck_error_in_order": float(np.linalg.norm(before) / size),
            "stuck_error": float(np.linalg.norm(after) / size),
        }

    @property
    def _stuck_cells(self) -> list[np.ndarray]:
        """Of every chip, all slices."""
        slices, shape = range(len(self._slices)), (*self.weights.T.shape, -1)
        return [
            np.stack([self._stuck(chip, place).reshape(shape) for place in slices]) for chip in self._numbers
        ]

    def arrays(self) -> dict[str, np.ndarray]:
        """What is programmed: ``conductances`` (chips, slices, inputs, columns), S, see `Columns`; ``unit``
        (slices, outputs), weight per siemens; ``weights`` (chips, outputs, inputs), which these give summed
        over the slices, of which each sign has its own in the form of sign and magnitude; all in the order of
        inputs and outputs. Where these exchange places, ``rows`` (chips, inputs) and ``pairs`` (chips,
        outputs) say on which they are."""
        units = [np.broadcast_to(part.unit, len(self.weights)) for part in self._slices]
        found = {"conductances": self._conductances, "unit": np.array(units), "weights": self._realised}
        placed = [placement for placement in self.placements if placement is not None]
        if placed:
            found["rows"] = np.argsort([placement.rows for placement in placed])
            found["pairs"] = np.argsort([placement.pairs for placement in placed])
        return found

    @property
    def _conductances(self) -> np.ndarray:
        """Programmed ones (chips, slices, inputs, columns), S, in the order of inputs and outputs."""
        return np.array(
            [
                [
                    part.mapped.conductances
                    if placement is None
                    else placement.ordered(part.mapped.conductances)
                    for part in parts
                ]
                for parts, placement in zip(self.instances, self.placements, strict=True)
            ]
        )

    @cached_property
    def _realised(self) -> np.ndarray:
        targets, found = self._slices, self._conductances
        return np.stack(
            [
                sum(
                    replace(part, conductances=cells).weights
                    for part, cells in zip(targets, chip, strict=True)
                )
                for chip in found
            ]
        )

    @property
    def _numbers(self) -> Sequence[int]:
        """Of the chips."""
        return range(self.circuit.chips) if self.number is None else [self.number]

    @cached_property
    def placements(self) -> tuple[Placement | None, ...]:
        """Of every chip; None where inputs and outputs keep their order."""
        if not self.circuit.stuck_remapping or STUCK not in self.effects:
            return (None,) * self.chips
        targets, scale = self._pairs
        tile = self.circuit.tile
        return tuple(avoid_stuck_cells(targets, stuck, scale, tile) for stuck in self._stuck_cells)

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Target conductances (slices, inputs, outputs, columns of each), S, and error of the sums per
        siemens."""
        slices = self._slices
        targets = np.stack([part.conductances for part in slices])
        units = np.stack([np.broadcast_to(part.unit, len(self.weights)) for part in slices])
        scale = units[:, None] * np.sqrt(self._input_power)[:, None]
        return targets.reshape(*targets.shape[:2], len(self.weights), -1), scale

    @property
    def _input_power(self) -> np.ndarray:
        """Mean squares of the calibration inputs (inputs,)."""
        return np.mean(self.calibration**2, axis=0)

    @cached_property
    def instances(self) -> tuple[tuple[TiledLayer, ...], ...]:
        """The tiles of every chip, slice by slice of the weights; what the slices sum is added."""
        given, on = self.circuit, self.effects
        targets = self._slices
        tiling = Tiling(*targets[0].conductances.shape, tile_rows=given.tile[0], tile_columns=given.tile[1])
        laid = [
            targets if placement is None else [placement.laid(part) for part in targets]
            for placement in self.placements
        ]
        programmed = np.array(
            [
                [self._programmed(part, chip, place) for place, part in enumerate(parts)]
                for chip, parts in zip(self._numbers, laid, strict=True)
            ]
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
                for part, cells in zip(parts, chip, strict=True)
            ]
            for parts, chip in zip(laid, programmed, strict=True)
        ]
        if made[0][0].linear and not wires.ideal:
            kind = self.off & {QUANTISATION, PROGRAMMING, STUCK, WIRES, CLIPPING}
            if kind not in self.solved:
                self.solved[kind] = effective_tiles(programmed, tiling, wires)
            for parts, solved in zip(made, self.solved[kind], strict=True):
                for part, effective in zip(parts, solved, strict=True):
                    vars(part)["effective"] = effective
        if ADC not in on:
            return tuple(map(tuple, made))
        return tuple(
            tuple(self._with_converters(part, self._shown(place)) for part in parts)
            for place, parts in enumerate(made)
        )

    @cached_property
    def _slices(self) -> list[MappedWeights]:
        """Target conductances, see `targets`."""
        given, quantised = self.circuit, QUANTISATION in self.effects
        cells = given.cells if quantised else replace(given.cells, levels=None)
        bits = (given.weight_bits, given.slice_bits) if quantised else (None, None)
        return targets(self.weights, cells, self._full_scale, given.weight_form, given.tile[1], *bits)

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
        """Conductances (inputs, columns) of one chip and slice, S: the same draws whatever is off."""
        given, on, errors = self.circuit, self.effects, self.circuit.errors
        cells = targets.conductances
        if PROGRAMMING in on:
            spread = replace(errors, stuck_low=0.0, stuck_high=0.0)
            cells = spread.programmed(cells, given.cells, self._draws(chip, 0, place))
        if STUCK in on:
            stuck = self._stuck(chip, place)
            cells = np.where(np.isnan(stuck), cells, stuck)
        return cells

    def _stuck(self, chip: int, place: int) -> np.ndarray:
        """Conductances of the stuck cells of one chip and slice (rows, columns), S, NaN of the others."""
        given, shape = self.circuit, self._slices[place].conductances.shape
        return given.errors.stuck(shape, given.cells, self._draws(chip, 1, place))

    def _draws(self, chip: int, kind: int, place: int) -> np.random.Generator:
        weights = crc32(self.weights.tobytes())
        return np.random.default_rng(
            [self.circuit.seed, chip, crc32(self.name.encode()), weights, kind, place]
        )

    def _shown(self, place: int) -> np.ndarray:
        """Some of the calibration inputs, as the rows of one of the chips have them."""
        every, placement = -(-len(self.calibration) // _CONVERTED), self.placements[place]
        shown = self.calibration[:: max(1, every)]
        return shown if placement is None else shown[:, placement.rows]

    def _with_converters(self, layer: TiledLayer, shown: np.ndarray) -> TiledLayer:
        given = self.circuit
        assert given.adc_bits is not None
        signed = given.weight_form != SIGN
        ranges = [
            calibrated_range(sums, given.adc_bits, given.adc_calibration, given.adc_percentile, signed)
            for sums in layer.differences(shown)
        ]
        made = replace(layer, adc=Adc(given.adc_bits, np.reshape(ranges, layer.tiling.grid), signed))
        if layer.linear:
            vars(made)["effective"] = layer.effective
        return made


def _reordered(x: Any, order: np.ndarray) -> Any:
    """Columns (n, columns) in another order; of arrays of any library by a product, which is exact."""
    if isinstance(x, np.ndarray | Sequence):
        return checked_array("inputs", x, ("n", len(order)))[:, order]
    return x @ like(np.eye(len(order))[:, order], x)
