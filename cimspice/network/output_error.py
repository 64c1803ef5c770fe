"""Upper bounds on how far the circuit's outputs are from the emulator's over all inputs, from few runs.

The error is a root mean square over inputs and outputs, relative to the emulator's. Whole inputs are run and
what is known of every input, the difference between the emulator and a simpler one, explains part of the
spread between them. Or, where a whole input is too long, single tiles are read for single inputs; the errors
of the tiles behind one output add up before they are squared, so reads of several tiles of the same input are
needed: their products show coherent errors apart from independent ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.errors import ParameterError
from cimspice.network.certificate import Certificate, Kind

LEAST_INPUTS = 50
"""Whole inputs; with fewer, the spread itself is not known well enough for a bound."""
LEAST_READS, LEAST_SAMPLES = 400, 12
"""Reads that are asked for, and inputs they are drawn for."""
_LEAST_OF_EACH = 10
"""Reads of an input where their number follows from what they cost."""
_REPLICATES = 999
_READS_PER_INPUT = 2.5
"""Reads of one input over the number of inputs."""
_UNIFORM = 0.1
"""Share of the reads that is drawn without regard to the signal: no tile can be without a chance."""
_RIDGE = 0.1
"""Of the prediction of a tile's error, relative to the mean square of its inputs."""


def whole_inputs_bound(
    errors: np.ndarray,
    drawn: np.ndarray,
    control: np.ndarray,
    size: float,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Certificate:
    """Bound from whole inputs, by regression on a control and the bootstrap of its t statistic.

    Parameters
    ----------
    errors
        Squared difference of circuit and emulator, summed over outputs, of each input that ran (runs,).
    drawn
        Which inputs these are (runs,): at random, without replacement.
    control
        What is known of every input and may go along with the error (inputs,) or (inputs, controls): the
        squared difference of the emulator and a simpler one, squares of inputs and outputs. All equal: none.
    size
        Mean square of the emulator's outputs over all inputs, summed over outputs.

    Raises
    ------
    ParameterError
        For fewer than `LEAST_INPUTS` runs of more inputs.
    """
    control = checked_array("control", control, (..., "inputs"), low=0)
    population = len(control)
    drawn = checked_array("drawn", drawn, ("runs",), low=0, high=population - 1, whole=True)
    errors = checked_array("errors", errors, (len(drawn),), low=0)
    checked_number("size", size, above=0)
    if len(np.unique(drawn)) != len(drawn) or not len(drawn):
        raise ParameterError(
            f"{len(drawn)} runs of {len(np.unique(drawn))} inputs",
            place="drawn",
            remedy="draw without replacement",
        )
    runs = len(drawn)
    if runs < min(LEAST_INPUTS, population):
        raise ParameterError(
            f"{runs} of {population} inputs bound no output error",
            place="samples",
            remedy=f"run at least {LEAST_INPUTS}, or all",
        )
    found, margin = _regression(errors, drawn, control, confidence, seed)
    margin *= np.sqrt(1 - runs / population)
    what = f"{runs} inputs drawn at random ran through the circuit"
    return _certificate("whole_inputs", found, margin, size, runs, population, confidence, what)


class Tiles(Protocol):
    """What the emulator knows of a network's tiles for the inputs drawn; of a convolution, each tile at each
    output pixel counts as one.

    A tile's error is that of its sums (columns,) for one input, circuit less emulator.
    """

    def signal(self) -> np.ndarray:
        """Root mean square of what each tile sends to the network's output (tiles, samples)."""
        ...

    def inputs(self, tile: int) -> np.ndarray:
        """What the tile receives (samples, rows)."""
        ...

    def control(self, tile: int) -> np.ndarray:
        """Sums of the emulator less those of a simpler one (samples, columns)."""
        ...

    def at_output(self, tile: int, places: np.ndarray, errors: np.ndarray) -> np.ndarray:
        """What errors (n, columns) of the tile change at the network's output (n, outputs), for the inputs
        at these places (n,) among those drawn."""
        ...


@dataclass(frozen=True, eq=False)
class TileDraw:
    """Which tiles to read for which inputs.

    Attributes
    ----------
    samples
        Inputs (samples,).
    tiles
        Of each of them (samples, reads); one that is named twice is read once and counts twice.
    probability
        With which each was drawn (samples, reads).
    count
        Of all tiles there are.
    """

    samples: np.ndarray
    tiles: np.ndarray
    probability: np.ndarray
    count: int


def draw_samples(
    inputs: int, reads: int | None, rng: np.random.Generator, samples: int | None = None
) -> np.ndarray:
    """Which of the inputs about so many ``reads`` are spread over; by default as many as leave each a few, or
    `LEAST_SAMPLES` where the reads follow from what they cost.

    Raises
    ------
    ParameterError
        For fewer reads than `LEAST_READS`, for more inputs than there are and too few.
    """
    count = samples or (LEAST_SAMPLES if reads is None else int(np.sqrt(reads / _READS_PER_INPUT)))
    most = inputs if reads is None else min(inputs, reads // 2)
    if (reads is not None and reads < LEAST_READS) or not LEAST_SAMPLES <= count <= most:
        raise ParameterError(
            f"{'' if reads is None else f'{reads} '}reads for {count} of {inputs} inputs",
            place="tiles",
            remedy=f"read at least {LEAST_READS}, for {LEAST_SAMPLES} inputs or more, at least 2 for each",
        )
    return rng.permutation(inputs)[:count]


def draw_tiles(
    signal: np.ndarray,
    samples: np.ndarray,
    reads: int | None,
    rng: np.random.Generator,
    cost: np.ndarray | float = 1.0,
    most: float = np.inf,
) -> TileDraw:
    """About ``reads`` reads for the `draw_samples`, by default as many as are expected to cost ``most``: some
    tiles of each by ``signal`` (tiles, samples) over the root of their ``cost``, which gives the least spread
    for what all reads cost."""
    sent = checked_array("signal", signal, ("tiles", len(samples)), low=0) / np.sqrt(cost)
    total = sent.sum(axis=0)
    share = np.divide(sent, total, out=np.full_like(sent, 1 / len(sent)), where=total > 0)
    share = (1 - _UNIFORM) * share + _UNIFORM / len(share)
    share /= share.sum(axis=0)
    if reads is None:
        reads = max(int(most / np.mean(np.sum(share * cost, axis=0))), _LEAST_OF_EACH * len(samples))
    tiles = np.array([rng.choice(len(share), reads // len(samples), p=one) for one in share.T])
    return TileDraw(samples, tiles, np.take_along_axis(share.T, tiles, axis=1), len(share))


def tiles_bound(
    draw: TileDraw,
    errors: np.ndarray,
    tiles: Tiles,
    control: np.ndarray,
    size: float,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Certificate:
    """Bound from reads of single tiles.

    The tiles' errors are predicted (one factor on the control for all, the rest linear in a tile's inputs)
    from reads of other inputs; reads of the input itself correct what the prediction leaves. For two reads
    of an input, the product of the two estimates of its output's error is right on average whatever the
    prediction, for coherent and for independent errors alike.

    Parameters
    ----------
    draw
        What was read.
    errors
        Sums of the circuit less the emulator's (samples, reads, columns), for inputs as in the emulator;
        columns beyond a tile's own are ignored.
    control, size
        As of `whole_inputs_bound`.
    """
    samples, reads = draw.tiles.shape
    errors = checked_array("errors", errors, (samples, reads, "columns"))
    predicted, left = _predicted(draw, errors.reshape(samples * reads, -1), tiles)
    left = left.reshape(samples, reads, -1) / draw.probability[..., None]
    estimate = predicted[:, None] + left
    total = estimate.sum(axis=1)
    squares = ((total**2).sum(axis=1) - (estimate**2).sum(axis=(1, 2))) / (reads * (reads - 1))
    known = checked_array("control", control, ("inputs",), low=0)
    found, margin = _regression(squares, draw.samples, known, confidence, seed)
    runs = samples * reads
    what = f"{runs} tiles, drawn by the signal they send to the output, were read for {samples} inputs"
    return _certificate("sampled_tiles", found, margin, size, runs, len(known), confidence, what)


def _predicted(draw: TileDraw, errors: np.ndarray, tiles: Tiles) -> tuple[np.ndarray, np.ndarray]:
    """Error of the network's output predicted for each input, from reads of other inputs (samples, outputs);
    and what each read differs from its prediction at the output (samples · reads, outputs)."""
    samples, reads = draw.tiles.shape
    sample = np.repeat(np.arange(samples), reads)
    of_tile = [np.flatnonzero(draw.tiles.ravel() == tile) for tile in range(draw.count)]
    controls = [tiles.control(tile) for tile in range(draw.count)]
    products = np.zeros((2, samples))
    measured: list[np.ndarray] = []
    for tile, read in enumerate(of_tile):
        mine = controls[tile][sample[read]]
        measured.append(tiles.at_output(tile, sample[read], errors[read, : mine.shape[1]]))
        known = tiles.at_output(tile, sample[read], mine)
        weight = 1 / draw.probability.ravel()[read, None]
        for place, other in enumerate((measured[-1], known)):
            np.add.at(products[place], sample[read], (weight * other * known).sum(axis=1))
    factor, without = _ratio(*products.sum(axis=1)), _ratio(*(products.sum(axis=1)[:, None] - products))
    outputs = measured[0].shape[1]
    predicted, left = np.zeros((samples, outputs)), np.zeros((samples * reads, outputs))
    for tile, (read, control) in enumerate(zip(of_tile, controls, strict=True)):
        columns = without[:, None] * control
        if len(read):
            rest = errors[read, : control.shape[1]] - factor * control[sample[read]]
            columns = columns + _linear(tiles.inputs(tile), sample[read], rest)
        expected = tiles.at_output(tile, np.arange(samples), columns)
        predicted += expected
        left[read] = measured[tile] - expected[sample[read]]
    return predicted, left


def _linear(here: np.ndarray, read: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Errors (samples, columns) of one tile as a linear function of its inputs (samples, rows), fitted by
    ridge regression to errors (reads, columns) at samples ``read``; where one was read, from the others."""
    of, first = np.unique(read, return_index=True)
    there = here[of]
    ridge = _RIDGE * float(np.mean(np.sum(here**2, axis=1)))
    if not ridge > 0:
        return np.zeros((len(here), errors.shape[1]))
    inverse = np.linalg.inv(there @ there.T + ridge * np.eye(len(of)))
    weights = inverse @ errors[first]
    found = here @ there.T @ weights
    found[of] = errors[first] - weights / np.diag(inverse)[:, None]
    return found


def _ratio(product: np.ndarray, square: np.ndarray) -> np.ndarray:
    return np.divide(product, square, out=np.zeros_like(square), where=square > 0)


def _regression(
    errors: np.ndarray, drawn: np.ndarray, control: np.ndarray, confidence: float, seed: int
) -> tuple[float, float]:
    """Mean of the errors over all inputs, by regression on the control, and its margin to the upper bound
    (of a population without end), by the bootstrap-t (P. Hall, Ann. Statist. 16 (1988) 927)."""
    checked_number("confidence", confidence, above=0, below=1)
    controls, count = control.reshape(len(control), -1), len(drawn)
    controls = controls[:, np.ptp(controls, axis=0) > 0]
    mean = controls.mean(axis=0)
    known = controls[drawn] / mean - 1
    products = (known[:, :, None] * known[:, None, :]).reshape(count, -1)

    def estimates(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error, off = weights @ errors, weights @ known
        spread = (weights @ products).reshape(len(weights), *2 * known.shape[1:]) - off[:, :, None] * off[
            :, None
        ]
        together = weights @ (known * errors[:, None]) - error[:, None] * off
        slopes = np.einsum("bij,bj->bi", np.linalg.pinv(spread, rcond=1e-9, hermitian=True), together)
        square = weights @ errors**2 - error**2 - np.sum(slopes * together, axis=1)
        freedom = max(count - 1 - known.shape[1], 1)
        return error - np.sum(slopes * off, axis=1), np.sqrt(np.maximum(square, 0.0) / freedom)

    found, deviation = estimates(np.full((1, count), 1 / count))
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), _REPLICATES) / count
    means, deviations = estimates(weights)
    tail = np.sort((means - found) / np.maximum(deviations, 1e-9 * deviation + 1e-300))
    low = tail[max(int((1 - confidence) * (_REPLICATES + 1)) - 1, 0)]
    return float(found[0]), float(-low * deviation[0])


def _certificate(
    kind: Kind,
    found: float,
    margin: float,
    size: float,
    runs: int,
    population: int,
    confidence: float,
    what: str,
) -> Certificate:
    checked_number("size", size, above=0)
    bound, estimate = (float(np.sqrt(max(square, 0.0) / size)) for square in (found + margin, found))
    return Certificate(
        kind,
        bound,
        confidence,
        runs,
        estimate,
        population,
        f"With {100 * confidence:g} % confidence the outputs of circuit and emulator differ over all "
        f"{population} inputs by at most {bound:.3g} of the emulator's (rms): {what}, which give "
        + (f"{estimate:.3g}." if found >= 0 else "no estimate above 0: the error is too small for them."),
    )
