"""Columns read by comparators as the circuit of a network's layers: how weights become cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from cimspice.arrays import Array, checked_array, checked_count
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.hybrid.emulator.chips import Spread
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.emulator.columns import Design, Shared
from cimspice.hybrid.emulator.mapped_layer import MappedLayer
from cimspice.hybrid.mapping.slices import FORMATS
from cimspice.hybrid.model.card import ColumnModel, column_model
from cimspice.hybrid.model.readout import Ternary
from cimspice.network.coded import naming


@dataclass(frozen=True, kw_only=True, eq=False)
class HybridCircuit:
    """How a matrix of weights is put into columns of 6T cells that a comparator reads as −1, 0 or 1.

    The network is not trained through the read-out: ``cimspice train hybrid`` does that.

    Attributes
    ----------
    card
        The column's: rows, dummy cells, lines, comparator.
    weights
        ``-4..3`` on three slices of cells, or ``-3..3`` on two.
    input_bits
        One pulse each; inputs of both signs take two passes.
    scale_factors, scale_bits
        One for each ``column``, ``slice`` or ``layer``, with the least square error of the calibration's
        sums; of so many bits, or real.
    chips
        Instances drawn from the card's offsets, noise and cells; 0: nominal.
    seed
        Of the draws.
    """

    card: Card
    weights: str = "-4..3"
    input_bits: int = 3
    scale_factors: Shared = "column"
    scale_bits: int | None = None
    chips: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.weights not in FORMATS or FORMATS[self.weights].odd:
            raise ParameterError(
                f"weights {self.weights!r}"[:200], place="hybrid circuit", remedy="use -4..3 or -3..3"
            )
        checked_count("chips", self.chips, low=0, place="hybrid circuit")
        checked_count("seed", self.seed, low=0, place="hybrid circuit")
        _ = self.design, self.model

    @property
    def family(self) -> str:
        """Its name."""
        return "hybrid"

    @cached_property
    def model(self) -> ColumnModel:
        """What the card holds."""
        return column_model(self.card)

    @cached_property
    def reader(self) -> ColumnReader:
        """Of single columns, in volts."""
        return ColumnReader.of(self.model)

    @cached_property
    def spread(self) -> Spread:
        """Of chips."""
        return Spread.of(self.model)

    @cached_property
    def design(self) -> Design:
        """Of every layer."""
        return Design(
            readout=Ternary(self.model.column.threshold),
            rows=self.model.column.weights,
            weights=FORMATS[self.weights],
            bits=self.input_bits,
            shared=self.scale_factors,
            scale_bits=self.scale_bits,
        )

    def drawn(self, seed: int) -> HybridCircuit:
        """One chip, whose offsets and cells are drawn with this seed; itself where it is nominal."""
        return replace(self, chips=1, seed=seed) if self.chips else self

    def layer(self, weights: Array, calibration: Array, name: str = "layer") -> MappedLayer:
        """The columns of weights (outputs, inputs), ranges calibrated with inputs (n, inputs).

        Raises
        ------
        MappingError, ParameterError
            For what cannot be mapped, naming the layer.
        """
        with naming(name):
            w = checked_array("weights", weights, ("outputs", "inputs"))
            x = checked_array("calibration", calibration, ("n", w.shape[1]))
            return MappedLayer.calibrated(self, w, x, name)
