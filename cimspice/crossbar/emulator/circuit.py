"""Crossbars as the circuit of a network's layers: how weights are put on tiles."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.converters import Calibration
from cimspice.crossbar.emulator.mapped_layer import (
    ADC,
    CLIPPING,
    DAC,
    NONLINEARITY,
    PROGRAMMING,
    QUANTISATION,
    STUCK,
    WIRES,
    MappedLayer,
)
from cimspice.crossbar.emulator.one_transistor import AccessedMemory
from cimspice.crossbar.emulator.tile_layer import TileWires
from cimspice.crossbar.emulator.wires import Wires
from cimspice.crossbar.mapping.conductances import Columns, ConductanceRange
from cimspice.crossbar.mapping.forms import FORMS, OFFSET, PAIR, SIGN, Form
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import CimspiceError, ParameterError


@dataclass(frozen=True, kw_only=True)
class CrossbarCircuit:
    """How a matrix of weights is put on tiles whose sums are converted.

    Attributes
    ----------
    cells
        Range and levels of the conductances.
    tile
        Rows and columns.
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
    weight_form
        ``"differential"``: two cells, G⁺ and G⁻ side by side. ``"offset column"``: one cell, with zero in the
        middle of the range, and one reference column in each tile. Both are subtracted as currents, before
        the converter. ``"sign-magnitude"``: positive and negative weights have arrays of their own, with one
        cell for each weight in both, read at once and subtracted digitally: converters see one sign.
    weight_scale
        The weight that takes the whole range of conductances: of the whole matrix (``"tensor"``), or of each
        output (``"column"``).
    weight_percentile, input_percentile
        Of the magnitudes of weights and of calibration inputs, that which is full scale (%); larger ones are
        clipped.
    weight_bits, slice_bits
        Bits of the weights' magnitudes, and how many of them a cell holds: slices of a weight lie in tiles of
        their own, whose sums are shifted and added; beside an offset column they hold 2^(slice_bits + 1) - 1
        levels, digits of both signs. None for whole weights, which have `cells`' levels.
    signed
        Inputs of both signs, in two passes; by default if the calibration inputs are.
    dac_bits, adc_bits
        Of the converters; None for exact ones.
    bit_serial
        The ``dac_bits`` are read one after another instead of as one of many voltages.
    adc_calibration, adc_percentile
        Each tile's range from its sums of the calibration inputs: a percentile of the magnitudes (%), or that
        of the least mean square error.
    stuck_remapping
        Stuck cells are known: inputs and outputs exchange places within tiles so that they matter least for
        the calibration inputs. Sums come in the outputs' order.
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
    weight_form: Form = PAIR
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
    stuck_remapping: bool = False
    chips: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        place = "crossbar circuit"
        Tiling(1, 2, *self.tile)
        Wires.of(1, 2, **asdict(self.wires), contacts="segment")  # refuses ends that are none
        for name in ("weight_percentile", "input_percentile", "adc_percentile"):
            checked_number(name, getattr(self, name), above=0, high=100, place=place)
        for name in ("read_voltage", "verify_voltage"):
            checked_number(name, getattr(self, name), above=0, place=place)
        checked_number("nonlinearity", self.nonlinearity, low=0, place=place)
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
        for name in ("bit_serial", "stuck_remapping", "signed"):
            if not isinstance(getattr(self, name), bool) and (name != "signed" or self.signed is not None):
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}", place=place, remedy="use true or false"
                )
        if self.stuck_remapping and self.weight_form == OFFSET:
            raise ParameterError(
                f"stuck_remapping with weight_form = {self.weight_form!r}",
                place=place,
                remedy=f"use {PAIR!r} or {SIGN!r}: a tile's reference column belongs to all of its outputs",
            )
        checked_count("chips", self.chips, place=place)
        checked_count("seed", self.seed, low=0, place=place)
        for name, allowed in (
            ("weight_form", tuple(FORMS)),
            ("weight_scale", ("tensor", "column")),
            ("adc_calibration", ("percentile", "least error")),
        ):
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}", place=place, remedy=f"use {' or '.join(allowed)}"
                )
        Columns(FORMS[self.weight_form]).check(self.tile[1])

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
            PROGRAMMING: errors.tolerance > 0 or not errors.variability is errors.written is None,
            STUCK: errors.stuck_low + errors.stuck_high > 0,
            WIRES: not self.wires.ideal,
            NONLINEARITY: self.nonlinearity > 0 or self.memory is not None,
            CLIPPING: True,
            DAC: self.dac_bits is not None,
            ADC: self.adc_bits is not None,
        }
        return tuple(name for name, present in there.items() if present)

    def drawn(self, seed: int) -> CrossbarCircuit:
        """One chip, whose programming errors and stuck cells are drawn with this seed."""
        return replace(self, chips=1, seed=seed)

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
