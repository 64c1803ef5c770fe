"""One layer of neurons in an SRAM array, on many chips at once: read forwards, read transposed, written back.

Row group g holds the words of neuron g, column c those of input c; a word of several slices takes a column
for each (:mod:`cimspice.sram.mapping.format`).

Forward, neuron by neuron: the rows of group g are opened with pulses that weight the bits; each column's two
discharges are multiplied by input x_c; charge sharing takes the mean over the columns of a slice, and a
signed converter converts it. Slices are added digitally, and groups of columns where a rail cannot have all.
Transposed: all groups are opened at once, pulses weighting bits by |e_g|, once for the positive and once for
the negative errors; a converter reads every column (Kumar et al., arXiv 2005.09526).
"""

import warnings
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count, real_array
from cimspice.errors import ParameterError
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.periphery import PeripherySpread
from cimspice.sram.emulator.read import Cells, DisturbWarning


@dataclass(eq=False)
class SramLayer:
    """The words of one layer on several chips, and what reads and writes them."""

    design: LayerDesign
    """Common to all chips."""
    words: Array
    """Shape (chips, neurons, columns); changed by :meth:`write`."""
    cells: Cells | None = None
    """Of the cells, arrays of shape (chips, neurons, columns, slices, slice bits, 2); None: nominal."""
    spread: PeripherySpread | None = None
    """Mismatch around the array; None: nominal."""
    noise: np.random.Generator | None = None
    """Where noise is drawn from; None: none."""
    disturbed: int = 0
    """Reads so far in which a cell would have flipped."""
    saturated: int = 0
    """Voltages so far that lay beyond the converter's range, and were read as its limit."""
    bits_written: int = 0
    """Bits written so far."""
    _table: Array = field(init=False, repr=False)
    _first: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.words = self.design.form.check(self.words)
        if self.words.ndim != 3 or 0 in self.words.shape[1:]:
            raise ParameterError(
                f"words of shape {self.words.shape}",
                place="words",
                remedy="give shape (chips, neurons, columns), with a neuron and a column at least",
            )
        self._check_instances()
        self.design.check_groups(self.words.shape[1])
        table = self._every_word()
        lead, size = table.shape[:-2], table.shape[-2]
        self._table = np.ascontiguousarray(table).reshape(-1, 2)
        self._first = (size * np.arange(len(self._table) // size)).reshape(lead)

    def _check_instances(self) -> None:
        """Whether cells and spread are those of these words."""
        (chips, _, columns), form = self.words.shape, self.design.form
        pairs = []
        if self.cells is not None:
            wanted = (*self.words.shape, form.slices, form.slice_bits, 2)
            pairs.append(("cells", self.cells.log_current, wanted))
        if self.spread is not None:
            lead = chips, 1, 1, form.slices
            pairs += [
                ("spread.multiplier", self.spread.multiplier.gain, (*lead, columns, 2)),
                ("spread.shares", self.spread.shares, (*lead, 2, columns)),
                ("spread.offset", self.spread.offset, lead),
            ]
        for name, found, wanted in pairs:
            if np.shape(found) != wanted:
                raise ParameterError(
                    f"{name} of shape {np.shape(found)}", place=name, remedy=f"draw them for shape {wanted}"
                )

    @property
    def columns(self) -> int:
        """Inputs, that of the bias included."""
        return self.words.shape[2]

    @property
    def groups(self) -> list[slice]:
        """Columns that share charge, as few groups as a rail allows, none more than one column smaller."""
        most = self.design.periphery.sharing.largest_columns
        edges = np.cumsum([0, *map(len, np.array_split(np.arange(self.columns), -(-self.columns // most)))])
        return [slice(*pair) for pair in pairwise(edges.tolist())]

    @property
    def conversions(self) -> list[tuple[slice, int]]:
        """Columns and slice of each conversion of a neuron, slices running fastest."""
        return [(group, number) for group in self.groups for number in range(self.design.form.slices)]

    def _positions(self, groups: int) -> Array:
        rows = np.arange(groups * self.design.form.slice_bits).reshape(groups, -1)
        return (rows + 0.5) / self.design.array_rows

    def _every_word(self) -> Array:
        """Discharges of every group, column and slice for every word that it may store, once for all
        (V), shape (chips or 1, neurons, columns, slices, words, 2): a forward read opens one group alone."""
        form, (_, groups, columns) = self.design.form, self.words.shape
        stored = (np.arange(2**form.slice_bits)[:, None] >> np.arange(form.slice_bits)) & 1
        cells = None
        if self.cells is not None:
            both = (np.asarray(value)[..., None, :, :] for value in self._cells())
            cells = Cells(*both)
        positions = self._positions(groups)[:, None, None, None, :]
        table = self._read(self.design.pulses[0], stored, positions, cells)
        lead = (1 if cells is None else len(self.words), groups, columns, form.slices, len(stored), 2)
        return np.broadcast_to(table.reshape((1, *table.shape)) if cells is None else table, lead)

    def _cells(self) -> tuple[Array, Array]:
        assert self.cells is not None
        return self.cells.log_current, self.cells.trip_voltage

    def _read(self, codes: Array, bits: Array, positions: Array, cells: Cells | None) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DisturbWarning)  # counted in ``disturbed``
            reading = self.design.read(codes, bits, positions=positions, cells=cells)
        self.disturbed += int(reading.disturbed.sum())
        return reading.discharge

    def discharges(self) -> Array:
        """Of every word as it is stored now (V), shape (chips, neurons, columns, slices, 2)."""
        places = self._first + self.design.form.split(self.words)
        return self._table.take(places, axis=0)

    def rails(self, inputs: Array) -> Array:
        """Difference of both rails after charge sharing.

        Parameters
        ----------
        inputs
            Codes of the multipliers, shape (chips, samples, columns).

        Returns
        -------
        Array
            V, shape (chips, samples, neurons, conversions): group by group the slices of each.

        Raises
        ------
        ParameterError
            If an input is no code of the multiplier, or the shape is wrong.
        """
        codes, (chips, _, columns) = real_array("inputs", inputs), self.words.shape
        if codes.ndim != 3 or codes.shape[0] not in (1, chips) or codes.shape[2] != columns:
            raise ParameterError(
                f"inputs of shape {codes.shape} for {chips} chips of {columns} columns",
                place="inputs",
                remedy="give shape (chips, samples, columns)",
            )
        periphery, spread = self.design.periphery, self.spread
        # (chips, 1, neurons, slices, columns, 2)
        volts = np.swapaxes(self.discharges() - self.design.line_rise, 2, 3)[:, None]
        product = periphery.multiplier(
            volts, codes[:, :, None, None, :], None if spread is None else spread.multiplier
        )
        found = []
        for group in self.groups:
            rails = periphery.sharing(
                np.swapaxes(product[..., group, :], -1, -2),
                None if spread is None else spread.shares[..., group],
            )
            noise = periphery.shared_noise(group.stop - group.start)
            found.append(self._noisy(rails[..., 1] - rails[..., 0], noise))
        return np.concatenate(found, axis=-1)

    def convert(self, rails: Array) -> Array:
        """Codes of the rails' differences, slices and groups added, shape of ``rails`` without its last axis.

        Of one group whole numbers of the least slice's steps over ``form.weights[-1]``."""
        return self.merge(self.codes(rails))

    def codes(self, rails: Array) -> Array:
        """Codes of each conversion, shape of ``rails``."""
        offset = 0.0 if self.spread is None else np.tile(self.spread.offset, len(self.groups))
        return self._converted(rails, offset)

    def _converted(self, volts: Array, offset: Array | float) -> Array:
        converter = self.design.periphery.converter
        self.saturated += converter.saturated(volts + offset)
        return converter(volts, offset=offset, noise=self.noise)

    def merge(self, codes: Array) -> Array:
        """Conversions of a neuron, last axis, as one number in steps of the most significant slice's
        converter for the first group; or the slices of a transposed read."""
        weights, sharing = self.design.form.weights, self.design.periphery.sharing
        if np.shape(codes)[-1] == len(weights):
            return (codes @ weights) / weights[-1]
        sizes = [group.stop - group.start for group in self.groups]
        means = np.array([size / sharing.attenuation(size) for size in sizes])
        return (codes @ np.outer(means / means[0], weights).ravel()) / weights[-1]

    def below_target(self, rail: Array, codes: Array, target: Array, chip: Array) -> Array:
        """Target minus output as the converter gives it, with the target preloaded on its capacitors.

        Parameters
        ----------
        rail
            Of the last conversion (V), shape (N,).
        codes
            Of all as converted before, shape (N, conversions): the others go into the target.
        target
            In steps of the most significant slice, shape (N,); limited to the converter's range.
        chip
            Which chip each belongs to, shape (N,).
        """
        converter = self.design.periphery.converter
        rest = self.merge(codes) - codes[:, -1]
        target = checked_array("targets", target, np.shape(rail), infinite=True)
        wanted = np.clip(np.rint(target - rest), converter.smallest_code, converter.largest_code).astype(int)
        offset = 0.0 if self.spread is None else -self.spread.offset[chip, 0, 0, -1]
        return converter(rail, target_code=wanted, offset=offset, noise=self.noise)

    def backward(self, errors: Array, columns: int | None = None) -> Array:
        """Σ_g e_g w[g, c] by transposed reads.

        Parameters
        ----------
        errors
            Whole numbers, shape (chips, neurons).
        columns
            How many columns are read, from the first; all if not given.

        Returns
        -------
        Array
            In steps of the most significant slice's converter, shape (chips, columns).

        Raises
        ------
        ParameterError
            If an error is larger than the pulses allow.
        """
        errors = self._check_errors(errors)
        read = self.columns
        if columns is not None:
            read = checked_count("columns", columns, high=self.columns)
        total = np.zeros((len(self.words), read))
        for sign in (1, -1):
            part = np.maximum(sign * errors, 0)
            chips = np.flatnonzero(part.any(axis=1))
            if len(chips):
                total[chips] += sign * self.merge(self._transposed(part[chips], chips, read))
        return total

    def _check_errors(self, errors: Array) -> Array:
        values = checked_array("errors", errors, self.words.shape[:2], whole=True)
        most = self.design.largest_error
        if (np.abs(values) > most).any():
            raise ParameterError(
                f"error {values[np.abs(values) > most][0]} is beyond {most}",
                place="errors",
                remedy="limit the errors, or use slices of fewer bits: a pulse weights by |e| 2^bit",
            )
        opened = max((sign * values > 0).sum(axis=1).max(initial=0) for sign in (1, -1))
        if self.design.open_groups is not None and opened > self.design.open_groups:
            raise ParameterError(
                f"errors of {opened} neurons at once, the design opens {self.design.open_groups}",
                place="errors",
                remedy="read them one after the other, or give the design more ``open_groups``",
            )
        return values.astype(int)

    def _transposed(self, factors: Array, chips: Array, columns: int) -> Array:
        """Codes of every slice and column of some chips for factors >= 0, shape (N, columns, slices)."""
        difference = self.transposed_difference(factors, chips, columns)
        offset = 0.0 if self.spread is None else self.spread.offset[chips, 0]
        return self._converted(self._noisy(difference, self.design.periphery.line_noise), offset)

    def transposed_difference(self, factors: Array, chips: Array, columns: int) -> Array:
        """Complement minus line (V) as a transposed read's converter samples it, before noise, shape
        (N, columns, slices)."""
        alone = (factors.sum(axis=1) == 1).all()
        solve = self._one_neuron if alone else self._several_neurons
        volts = solve(factors, chips, columns)
        return self.design.periphery.sampled(volts[..., 1] - volts[..., 0])

    def _one_neuron(self, factors: Array, chips: Array, columns: int) -> Array:
        """Discharges where one group alone is open with factor 1: as it is read forwards."""
        group = factors.argmax(axis=1)
        first = self._first[chips if len(self._first) > 1 else 0, group, :columns]
        places = first + self.design.form.split(self.words[chips, group, :columns])
        return self._table.take(places, axis=0)

    def _several_neurons(self, factors: Array, chips: Array, columns: int) -> Array:
        form, groups = self.design.form, self.words.shape[1]
        rows = groups * form.slice_bits
        table = np.vstack([np.zeros((1, form.slice_bits), int), self.design.pulses])
        codes = table[factors].reshape(len(chips), 1, 1, rows)
        stored = form.bits_of(self.words[chips, :, :columns])  # (N, groups, columns, slices, b)
        bits = np.moveaxis(stored, 1, 3).reshape(len(chips), columns, form.slices, rows)
        cells = None
        if self.cells is not None:
            both = (value[chips, :, :columns] for value in self._cells())
            lead = (len(chips), columns, form.slices, rows, 2)
            cells = Cells(*(np.moveaxis(value, 1, 3).reshape(lead) for value in both))
        return self._read(codes, bits, self._positions(groups).ravel(), cells)

    def write(self, words: Array, margins: Array | None = None) -> None:
        """Write words back, bit by bit where they differ.

        Parameters
        ----------
        words
            Shape (chips, neurons, columns).
        margins
            Write margin of each cell (V), shape of the stored bits; the model's mean if not given.
        """
        form = self.design.form
        stored, wanted = form.bits_of(self.words), form.bits_of(words)
        if stored.shape != wanted.shape:
            raise ParameterError(
                f"words of shape {np.shape(words)}", place="words", remedy=f"give {self.words.shape}"
            )
        after = self.design.periphery.write_back(stored, wanted, margins)
        self.bits_written += int((stored != wanted).sum())
        self.words = form.from_bits(after)

    def _noisy(self, volts: Array, deviation: float) -> Array:
        if self.noise is None or deviation == 0:
            return volts
        return volts + deviation * self.noise.standard_normal(volts.shape)
