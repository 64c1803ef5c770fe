"""Multi-row reads of an SRAM array, emulated: many words, columns, inputs and chips at once."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_ndtr

from cimspice.arrays import Array, checked_array, kept_array, real_array
from cimspice.errors import ParameterError
from cimspice.fit.ranges import Ranges
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.discharge import line_voltages, open_cells, settled

_CHUNK = 4096  # columns at a time: some 50 MB of sums


class DisturbWarning(UserWarning):
    """A read took a line so low that open cells flip: what it gives is no result."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What a batch of reads gives; ``...``: the common shape of codes, bits and cells without their rows."""

    discharge: Array
    """Of the bit line and of its complement (V), shape (..., 2). The bit line is pulled by cells that store
    0, the complement by those that store 1. Of a disturbed read only a lower bound is known: the line is held
    where the first cell flips."""
    lowest: Array
    """Lowest voltage that a line reached while a cell that stores 1 on its side was open (V), shape (..., 2);
    the start voltage where there was none."""
    disturbed: Array
    """Whether a cell has flipped, shape (...). Trip voltages come from slow sweeps, so a short pulse may pass
    where this says it does not."""
    disturb_probability: Array
    """Probability over mismatch that at least one open cell flips, shape (...)."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of particular chips."""

    log_current: Array
    """ln α of each cell when it stores 0 and 1, shape (..., rows, 2)."""
    trip_voltage: Array
    """Of each cell in either state (V), same shape."""

    def __post_init__(self) -> None:
        logs = kept_array("logarithms of cell currents", self.log_current, (..., "rows", 2))
        object.__setattr__(self, "log_current", logs)
        trips = kept_array("trip voltages", self.trip_voltage, logs.shape)
        object.__setattr__(self, "trip_voltage", trips)


@dataclass(frozen=True, eq=False)
class MultiRowRead:
    """The read of columns whose bit lines follow a fitted model."""

    lines: BitLines
    """The model."""

    @cached_property
    def _ranges(self) -> Ranges:
        seen = self.lines.current_range
        return Ranges() if seen is None else Ranges({"line_voltage": seen})

    def draw_cells(self, seed: int, shape: tuple[int, ...]) -> Cells:
        """Cells drawn from the model's mismatch, for instance of shape (chips, columns, rows)."""
        log_current, trip = self.lines.variation.draw(np.random.default_rng(seed), shape)
        return Cells(log_current, trip)

    def __call__(
        self, codes: Array, bits: Array, *, positions: Array | None = None, cells: Cells | None = None
    ) -> Reading:
        """Read.

        Parameters
        ----------
        codes
            Pulse of each row in units of ``lines.unit_width``; 0 leaves it closed. Shape (..., rows).
        bits
            What each row stores, 0 or 1, shape (..., rows). All shapes are broadcast: codes of shape (batch,
            1, 1, rows) and bits of shape (columns, rows) with cells of shape (chips, columns, rows, 2) give
            readings of shape (batch, chips, columns).
        positions
            Places of the rows along the bit line, 0 at the sense amplifier to 1, shape (..., rows); evenly
            spread if not given. They matter for what the line's resistance does.
        cells
            Mismatch; all cells nominal if not given.

        Raises
        ------
        ParameterError
            If a code or a bit is none, or the shapes do not fit.

        Warns
        -----
        DisturbWarning
            Once per call, if any read is disturbed.
        ModelRangeWarning
            Once, if a line leaves the voltages over which the cell's current was measured.
        """
        codes = self.lines.check_codes(codes)
        bits = checked_bits(bits)
        nominal = self.lines.trip_voltage if cells is None else 0.0
        lead, inputs = _common(codes, bits, positions, cells, nominal)
        reading = _joined([self._columns(*(part for part in parts)) for parts in _chunks(inputs)], lead)
        # what the end of precharge adds to a full line is not counted
        last = np.minimum(self.lines.start_voltage - reading.discharge, self.lines.supply_voltage)
        self._ranges.check("cell_current", line_voltage=last)
        if reading.disturbed.any():
            warnings.warn(
                f"{int(reading.disturbed.sum())} of {reading.disturbed.size} reads are disturbed: a line "
                f"fell below the trip voltage of an open cell; keep the sum of codes on a line under "
                f"{self.lines.charge_limit:.0f}, or open fewer rows at once",
                DisturbWarning,
                stacklevel=2,
            )
        return reading

    def _columns(
        self, codes: Array, bits: Array, positions: Array, log_current: Array, trip: Array
    ) -> Reading:
        """Reads of N columns; all of shape (N, rows), in the states that the cells are in."""
        lines = self.lines
        order = np.argsort(positions, axis=-1, kind="stable")
        codes, bits, positions, log_current, trip = (
            np.take_along_axis(values, order, axis=-1)
            for values in (codes, bits, positions, log_current, trip)
        )
        sums = open_cells(codes, bits, np.exp(log_current), positions, lines.largest_code)
        voltages = line_voltages(lines, sums)
        threat = _threat(voltages, codes, bits, lines.start_voltage)
        is_open = codes > 0
        disturbed = np.any(is_open & (threat < trip), axis=-1)
        last = settled(lines, voltages[:, -1], lines.idle_time)
        floor = np.where(is_open, trip, -np.inf).max(axis=-1, initial=0.0)
        last = np.where(np.asarray(disturbed)[:, None], np.maximum(last, floor[:, None]), last)
        side = [np.where(is_open & (bits == stored), threat, lines.start_voltage).min(axis=-1, initial=np.inf)
                for stored in (1, 0)]  # fmt: skip
        return Reading(
            discharge=lines.start_voltage - last,
            lowest=np.minimum(np.stack(side, axis=-1), lines.start_voltage),
            disturbed=np.asarray(disturbed),
            disturb_probability=self._probability(threat, is_open, bits),
        )

    def _probability(self, threat: Array, is_open: Array, bits: Array) -> Array:
        """1 − Π P(trip of an open cell lies below the lowest voltage of the line that threatens it)."""
        variation = self.lines.variation
        deviation = np.sqrt(np.diag(variation.covariance)[2:])[bits]
        mean = variation.mean[2:][bits]
        margin = (threat - mean) / np.maximum(deviation, 1e-9)
        return -np.expm1(np.where(is_open, log_ndtr(margin), 0.0).sum(axis=-1))


def _threat(voltages: Array, codes: Array, bits: Array, start: float) -> Array:
    """Lowest voltage (V) of the line on the side where each cell stores 1, while it is open, (N, rows)."""
    trace = np.concatenate([np.full((len(voltages), 1, 2), start), voltages], axis=1)  # (N, 1 + U, 2)
    side = np.where(bits == 1, 0, 1)
    return trace[np.arange(len(voltages))[:, None], codes, side]


def checked_bits(bits: Array) -> Array:
    """Stored bits as integers."""
    values = real_array("stored bits", bits)
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise ParameterError(
            f"stored bit {values[wrong][0]} is neither 0 nor 1",
            place="bits",
            remedy="give 0 or 1, as cimspice.sram.mapping.words.store_words does",
        )
    return values.astype(int)


def _common(
    codes: Array, bits: Array, positions: Array | None, cells: Cells | None, trip_voltage: float
) -> tuple[tuple[int, ...], list[Array]]:
    """Common leading shape, and inputs broadcast to (N, rows)."""
    rows = codes.shape[-1] if codes.ndim else 0
    if rows == 0 or bits.ndim == 0 or bits.shape[-1] != rows:
        raise ParameterError(
            f"codes of shape {codes.shape} and bits of shape {bits.shape} have different numbers of rows",
            place="codes",
            remedy="give one code and one bit for every row, in the last axis",
        )
    places = (np.arange(rows) + 0.5) / rows
    if positions is not None:
        places = checked_array("positions", positions, (..., rows), low=0, high=1)
    both = np.zeros((rows, 2)), np.full((rows, 2), trip_voltage)
    if cells is not None:
        both = cells.log_current, cells.trip_voltage
    try:
        lead = np.broadcast_shapes(
            codes.shape, bits.shape, places.shape, *(value.shape[:-1] for value in both)
        )
    except ValueError:
        raise ParameterError(
            f"codes {codes.shape}, bits {bits.shape}, positions {places.shape} and cells "
            f"{both[0].shape} do not fit together",
            place="MultiRowRead",
            remedy="all but the last axis (rows; rows and 2 for cells) have to broadcast",
        ) from None
    flat = [np.broadcast_to(values, lead).reshape(-1, rows) for values in (codes, bits, places)]
    if positions is not None:
        _check_apart(flat[0] > 0, flat[2])
    state = np.broadcast_to(bits, lead)[..., None]
    for value in both:
        chosen = np.take_along_axis(np.broadcast_to(value, (*lead, 2)), state, axis=-1)[..., 0]
        flat.append(chosen.reshape(-1, rows))
    return lead[:-1], flat


def _check_apart(is_open: Array, places: Array) -> None:
    """No two rows that are open at once may lie at the same place, (N, rows)."""
    apart = np.sort(np.where(is_open, places, -1.0 - np.arange(places.shape[1])), axis=-1)
    same = np.diff(apart, axis=-1) == 0
    if same.any():
        raise ParameterError(
            f"two open rows lie at position {apart[:, 1:][same][0]:g}",
            place="positions",
            remedy="give each row a place of its own, (row + 0.5) / rows of the array",
        )


def _chunks(inputs: list[Array]):
    for first in range(0, max(len(inputs[0]), 1), _CHUNK):
        yield [values[first : first + _CHUNK] for values in inputs]


def _joined(parts: list[Reading], lead: tuple[int, ...]) -> Reading:
    def join(name: str, tail: tuple[int, ...]) -> Array:
        return np.concatenate([getattr(part, name) for part in parts]).reshape(lead + tail)

    return Reading(
        join("discharge", (2,)), join("lowest", (2,)), join("disturbed", ()), join("disturb_probability", ())
    )
