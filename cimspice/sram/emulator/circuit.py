"""6T arrays as the circuit of a network's layers: how weights become words, and how they are read."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.network.coded import naming
from cimspice.sram.emulator.mapped_layer import MappedLayer
from cimspice.sram.emulator.read import Cells, DisturbWarning, MultiRowRead
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.model.build import BitLineFit
from cimspice.sram.model.card import sram_fit
from cimspice.sram.model.forward_card import forward_pass_of
from cimspice.sram.model.forward_pass import ForwardPass

_PLACE = "sram circuit"


@dataclass(frozen=True, kw_only=True, eq=False)
class SramCircuit:
    """How a matrix of weights is put into arrays as words, and read neuron by neuron.

    Attributes
    ----------
    card
        The array's, with its part ``forward_pass``.
    slices
        Columns that a word takes, each with as many bits as the pass has pulses.
    columns
        Inputs that share one pair of rails; the codes of further ones are added digitally.
    weight_scale
        The weight that the outermost word stands for: of each neuron, or of the whole matrix (``"tensor"``).
    weight_percentile, input_percentile
        Of the magnitudes of weights and, with calibration by percentile, of calibration inputs, that which is
        full scale (%); larger ones are clipped.
    input_calibration
        ``"least error"``: the full scale with the least mean square error of the inputs; or ``"percentile"``.
    signed
        Inputs of both signs, in two passes; by default if the calibration inputs are. Otherwise negative
        inputs are clipped.
    reference_drop
        Of the converter's reference below the supply (V), which sets its range; by default, for each layer,
        the one with the least mean square error of the calibration's conversions.
    chips
        Instances, whose cells deviate as the card says; 0: all cells nominal. The circuits around the array
        are nominal.
    seed
        Of the draws.
    """

    card: Card
    slices: int = 1
    columns: int = 32
    weight_scale: Literal["neuron", "tensor"] = "neuron"
    weight_percentile: float = 100.0
    input_percentile: float = 100.0
    input_calibration: Literal["percentile", "least error"] = "least error"
    signed: bool | None = None
    reference_drop: float | None = None
    chips: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("weight_percentile", "input_percentile"):
            checked_number(name, getattr(self, name), above=0, high=100, place=_PLACE)
        checked_count("columns", self.columns, high=self.forward.most_columns, place=_PLACE)
        for name, allowed in (
            ("weight_scale", ("neuron", "tensor")),
            ("input_calibration", ("percentile", "least error")),
            ("signed", (None, True, False)),
        ):
            if getattr(self, name) not in allowed:
                words = " or ".join(str(one).lower() for one in allowed if one is not None)
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}", place=_PLACE, remedy=f"use {words}"
                )
        if self.reference_drop is not None:
            self.forward.thresholds_at(checked_number("reference_drop", self.reference_drop, place=_PLACE))
        checked_count("chips", self.chips, low=0, place=_PLACE)
        checked_count("seed", self.seed, low=0, place=_PLACE)
        if self.chips and not self._fit.model.variation.samples:
            raise ParameterError(
                "chips of a card that says nothing of cells' mismatch",
                place=_PLACE,
                remedy="leave chips out, or characterise cells: cimspice characterize sram --set cells=100",
            )
        _ = self.form, self.discharge

    @property
    def family(self) -> str:
        """Its name."""
        return "sram"

    @cached_property
    def forward(self) -> ForwardPass:
        """What a neuron's pass gives."""
        return forward_pass_of(self.card)

    @cached_property
    def form(self) -> WordFormat:
        """Of the words."""
        return WordFormat(len(self.forward.pulses), self.slices)

    @cached_property
    def discharge(self) -> Array:
        """By the bit lines' model, of a slice's words 0, 1, ...: complement's less line's (V)."""
        return self._read(np.arange(2 ** len(self.forward.pulses)))[0]

    def deviation(self, words: Array, rng: np.random.Generator) -> tuple[Array, int]:
        """What mismatch adds to the discharges of words (outputs, inputs, slices) on a chip, V; and how many
        of their cells would lose their bit."""
        shape = (*words.shape, len(self.forward.pulses))
        found, disturbed = self._read(words, Cells(*self._fit.model.variation.draw(rng, shape)))
        return found - self.discharge[words], disturbed

    def _read(self, words: Array, cells: Cells | None = None) -> tuple[Array, int]:
        """Of words of any shape: complement's discharge less line's (V), and how many cells would flip."""
        bits = np.arange(len(self.forward.pulses))
        places = (bits + 0.5) / self.array_rows
        stored = (words[..., None] >> bits) & 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DisturbWarning)  # they are counted
            read = MultiRowRead(self._fit.model)(
                self.forward.pulses.astype(int), stored, positions=places, cells=cells
            )
        return read.discharge[..., 1] - read.discharge[..., 0], int(read.disturbed.sum())

    @cached_property
    def _fit(self) -> BitLineFit:
        return sram_fit(self.card)

    @property
    def array_rows(self) -> int:
        """Rows of an array."""
        return int(self.card.provenance["circuit"]["array"]["rows"])

    @property
    def array_columns(self) -> int:
        """Columns of an array."""
        return int(self.card.provenance["circuit"]["array"]["columns"])

    @property
    def array_neurons(self) -> int:
        """Neurons that an array holds: in the half of its rows that is nearer to the converter."""
        return self.array_rows // 2 // len(self.forward.pulses)

    def drawn(self, seed: int) -> SramCircuit:
        """One chip, whose cells are drawn with this seed; itself where all are nominal."""
        return replace(self, chips=1, seed=seed) if self.chips else self

    def layer(self, weights: Array, calibration: Array, name: str = "layer") -> MappedLayer:
        """The arrays of weights (outputs, inputs), ranges calibrated with inputs (n, inputs).

        Raises
        ------
        MappingError, ParameterError
            For what cannot be mapped, naming the layer.
        """
        with naming(name):
            w = checked_array("weights", weights, ("outputs", "inputs"))
            x = checked_array("calibration", calibration, ("n", w.shape[1]))
            return MappedLayer.calibrated(self, w, x, name)
