"""Chips for the training room: design, mismatch and noise, each part of it to be switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import ParameterError
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.learning import LearningNetwork, LearningRule, random_words
from cimspice.sram.emulator.periphery import Periphery, PeripherySpread
from cimspice.sram.emulator.read import Cells, MultiRowRead
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.mapping.pulses import compensated_codes, power_codes
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.multiplier import ChargeMultiplier


@dataclass(frozen=True)
class Effects:
    """Which ways of the circuit are there; without any, the array computes with whole words exactly.

    Mismatch of the multipliers' capacitors is not there unless asked for.
    """

    lines: bool = True
    cells: bool = True
    multiplier: bool = True
    converter_steps: bool = True
    converter_errors: bool = True
    noise: bool = True
    capacitors: bool = False

    @classmethod
    def nominal(cls) -> Effects:
        """All that chips have in common."""
        return cls(cells=False, noise=False)

    @classmethod
    def none(cls) -> Effects:
        return cls(*[False] * len(cls.__dataclass_fields__))


TITLES = {
    "lines": "bit lines: non-linear, edges of pulses",
    "cells": "mismatch of cells",
    "multiplier": "multiplier and charge sharing, with mismatch",
    "converter_steps": "steps of the converter",
    "converter_errors": "converter: non-linearity, offset",
    "noise": "noise: kT/C",
    "capacitors": "mismatch of the multipliers' capacitors",
}
"""Of the fields of :class:`Effects`."""

_FINE_BITS = 14


@dataclass(frozen=True, eq=False)
class ChipFamily:
    """What chips are made from."""

    lines: BitLines
    """Fitted bit lines."""
    periphery: Periphery
    """Fitted circuits around them."""
    form: WordFormat = field(default_factory=WordFormat)
    largest_error: int = 1
    """``form``, ``largest_error``: of words; of transposed reads."""
    compensated: bool = True
    """Whether pulses are lengthened by what their edges take off."""

    def design(self, effects: Effects | None = None) -> LayerDesign:
        """A layer's design with some of the circuit's ways."""
        has, lines, form = effects or Effects(), self.lines, self.form
        plain = power_codes(form.slice_bits, lines.largest_code, factors=self.largest_error)
        if has.lines:
            widths = lines.widths / lines.unit_width
            pulses = plain
            if self.compensated:
                pulses = compensated_codes(widths, form.slice_bits, factors=self.largest_error)
            read, rise = MultiRowRead(lines), lines.start_voltage - lines.supply_voltage
        else:
            pulses, read, rise = plain, IdealRead(self._ideal_unit()), 0.0
        around = self._around(has)
        return LayerDesign(read, around, form, pulses, line_rise=rise, charge_limit=lines.charge_limit)

    def _ideal_unit(self) -> float:
        """Discharge per unit (V) with the scale of the real lines: both words of ones read the same."""
        form, lines = self.form, self.lines
        real = compensated_codes(lines.widths / lines.unit_width, form.slice_bits, factors=self.largest_error)
        plain = power_codes(form.slice_bits, lines.largest_code, factors=self.largest_error)
        discharge = MultiRowRead(lines)(real[0], np.ones(form.slice_bits, int)).discharge
        return float(discharge[1] - discharge[0]) / float(plain[0].sum())

    def _around(self, has: Effects) -> Periphery:
        real = self.periphery
        converter = real.converter
        if not has.converter_errors:
            bits = converter.bits
            converter = replace(
                SignedConverter.ideal(bits, converter.step * 2 ** (bits - 1)),
                noise_sigma=converter.noise_sigma,
            )
        if not has.converter_steps:
            converter = _fine(converter, has.converter_errors)
        if not has.noise:
            converter = replace(converter, noise_sigma=0.0)
        return replace(
            real,
            multiplier=real.multiplier if has.multiplier else ChargeMultiplier.ideal(real.multiplier.bits),
            sharing=real.sharing if has.multiplier else Periphery().sharing,
            converter=converter,
            column_capacitance=real.column_capacitance if has.noise else inf,
            line_capacitance=real.line_capacitance if has.noise else inf,
            capacitor_sigma=real.capacitor_sigma if has.capacitors else 0.0,
        )

    def network(
        self,
        chips: int,
        sizes: Sequence[int],
        *,
        seed: int,
        rule: LearningRule | None = None,
        effects: Effects | None = None,
        weights: Sequence[Array] | None = None,
    ) -> LearningNetwork:
        """Chips with cells, circuits and noise of their own.

        Parameters
        ----------
        chips, sizes
            How many, and inputs and neurons of each layer.
        seed
            Of mismatch, noise and rounding; the same seed gives the same chips, whatever is stored in them.
        rule
            The digital part.
        effects
            What is switched on; all if not given.
        weights
            Weights to store, each of shape (chips or 1, neurons, columns); drawn at random if not given.
        """
        for number in (chips, *sizes):
            checked_count("chips and sizes", number)
        if len(sizes) < 2 or (weights is not None and len(weights) != len(sizes) - 1):
            raise ParameterError(
                f"sizes {tuple(sizes)}, weights of {'no' if weights is None else len(weights)} layers",
                place="ChipFamily.network",
                remedy="give inputs and at least one layer, and one array of weights for each layer",
            )
        has, design = effects or Effects(), self.design(effects)
        # of outputs one of either sign is read transposed; of hidden neurons as many at once as cells survive
        opened = 1.0 if len(sizes) < 4 else design.charge_limit // design.pulses[-1].sum()
        design = replace(design, open_groups=int(np.clip(opened, 1, max(sizes))))
        generator = np.random.default_rng([seed, 1])
        layers = []
        for number, (before, after) in enumerate(pairwise(sizes)):
            shape = (chips, after, before + 1)
            words = random_words(self.form, shape, generator)
            if weights is not None:
                given = self.form.words(weights[number])
                if given.shape not in (shape, (1, *shape[1:])):
                    raise ParameterError(
                        f"weights[{number}] have shape {given.shape}", place="weights", remedy=f"give {shape}"
                    )
                words = np.broadcast_to(given, shape)
            layer_seed = 100 * seed + number
            layers.append(
                SramLayer(
                    design,
                    words,
                    cells=self._cells(layer_seed, shape) if has.cells else None,
                    spread=self._spread(design, has, layer_seed, shape),
                    noise=np.random.default_rng([seed, 2, number]) if has.noise else None,
                )
            )
        return LearningNetwork(layers, generator, rule or LearningRule())

    def _cells(self, seed: int, shape: tuple[int, ...]) -> Cells:
        return MultiRowRead(self.lines).draw_cells(seed, (*shape, self.form.slices, self.form.slice_bits))

    def _spread(
        self, design: LayerDesign, has: Effects, seed: int, shape: tuple[int, ...]
    ) -> PeripherySpread | None:
        if not (has.multiplier or has.converter_errors or has.capacitors):
            return None
        chips, _, columns = shape
        return PeripherySpread.draw(
            design.periphery, seed, chips=chips, columns=columns, slices=self.form.slices
        )


def _fine(converter: SignedConverter, errors: bool) -> SignedConverter:
    """The same step and range, but a value between the steps counts: thresholds that are interpolated.

    Codes stay whole, so the fine converter has 2**k codes per step; what counts in steps has to be scaled,
    which ``step`` does: it is smaller by the same factor.
    """
    factor = 2 ** (_FINE_BITS - converter.bits)
    fine = SignedConverter.ideal(_FINE_BITS, converter.step * 2 ** (converter.bits - 1))
    thresholds = fine.thresholds
    if errors:
        coarse = (np.arange(len(converter.thresholds)) + 1 - 2 ** (converter.bits - 1) - 0.5) * converter.step
        thresholds = thresholds + np.interp(thresholds, coarse, converter.thresholds - coarse)
    return replace(
        converter,
        thresholds=np.sort(thresholds),
        step=converter.step / factor,
        target_step=converter.target_step / factor,
    )
