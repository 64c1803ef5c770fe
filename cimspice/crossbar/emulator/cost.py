"""What each method will take, before it starts: operations, memory, time; and which one is quicker.

Merging is counted exactly by walking over the shapes of its blocks. Conjugate gradients are bounded by the
spectrum of a uniform array. The times per operation were measured on one core (AMD EPYC 9005, OpenBLAS 0.3,
one thread); only their ratio matters.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from math import log, log2, sqrt
from pathlib import Path

import numpy as np

from cimspice.arrays import checked_number
from cimspice.crossbar.emulator.merge import COMPILED_LEAF, NUMPY_LEAF
from cimspice.crossbar.emulator.wires import Wires
from cimspice.errors import CimspiceError

MERGE_OPERATION = 2.8e-11  # s; about 35 Gflop/s
MERGE_CALL = {True: 60e-6, False: 60e-6}  # s per merge of a stack
LEAF_CELL = {True: 60e-9, False: 350e-9}  # s per cell of a small block
SWEEP_CELL = {True: 6e-9, False: 22e-9}  # s per cell and iteration of conjugate gradients
SWEEP_CALL = {True: 30e-6, False: 400e-6}  # s per call
HELD = 4  # arrays of all cells: conductances, both families of wires, what checks them
ITERATED = {True: 13, False: 23}  # more of them while a vector is iterated
NEWTON = {True: 22, False: 38}  # while vectors of non-linear cells are solved; the most that a law here takes
_LITTLE = 2**26  # bytes that a machine has, without asking it


class CrossbarTooLarge(CimspiceError):
    """An array needs more memory than there is."""


@dataclass(frozen=True, slots=True)
class Work:
    """Of a tree of merges: operations, stacks merged, numbers held at the peak and after."""

    operations: float = 0.0
    calls: int = 0
    peak: float = 0.0
    held: float = 0.0


def merge_work(rows: int, columns: int, two_sided: bool, compiled: bool) -> Work:
    """Work to merge an array of these sizes."""
    leaf = COMPILED_LEAF if compiled else NUMPY_LEAF
    return _work(1, rows, columns, two_sided, two_sided, leaf)


@lru_cache(maxsize=4096)
def _work(count: int, rows: int, columns: int, top: bool, right: bool, leaf: int) -> Work:
    entering, leaving = rows + columns, top * columns + right * rows
    held = float(count) * (entering**2 + entering * leaving + leaving**2)
    if max(rows, columns) <= leaf:
        return Work(0.0, 0, 4.0 * count * entering**2, held)
    horizontal = columns >= rows
    size = rows if horizontal else columns
    whole = columns if horizontal else rows
    shapes = [(rows, part) if horizontal else (part, columns) for part in (whole // 2, whole - whole // 2)]
    if not horizontal:
        shapes.reverse()
    if (right if horizontal else top) and whole % 2 == 0:
        both = _work(2 * count, *shapes[0], top, right, leaf)
        first, second = Work(held=both.held / 2), both
        before = max(both.peak, both.held)
    else:
        first = _work(count, *shapes[0], top or not horizontal, right or horizontal, leaf)
        second = _work(count, *shapes[1], top, right, leaf)
        before = max(first.peak, first.held + second.peak)
    a = sum(shapes[0]) + (shapes[0][1] * top if horizontal else shapes[0][0] * right)
    b = sum(shapes[1]) - size + (shapes[1][1] * top + shapes[1][0] * right)
    products = size * (2 * size * (a + b) + a * a + a * b + b * b)
    during = first.held + second.held + held
    during += count * size * (a + b + 4.0 * size)
    return Work(
        first.operations + second.operations + 2.0 * count * products,
        first.calls + second.calls + 1,
        max(before, during),
        held,
    )


def merge_seconds(rows: int, columns: int, wires: Wires, compiled: bool) -> float:
    """Expected time to compute the effective conductance by merging."""
    work = merge_work(rows, columns, wires.two_sided, compiled)
    return (
        MERGE_OPERATION * work.operations
        + MERGE_CALL[compiled] * work.calls
        + LEAF_CELL[compiled] * rows * columns
    )


def iterations(conductances: np.ndarray, wires: Wires, tolerance: float) -> float:
    """Iterations of conjugate gradients, from the slowest mode of a uniform array of the same means.

    A line of n segments r, held at one end, damps a voltage of its cells g to 1/(1 + π²/(4 r g n²)); the
    condition number is 1/(1 - product of both families).
    """
    rows, columns = conductances.shape
    g = float(np.mean(conductances))
    word, bit = wires.means
    damping = 1.0
    for r, n in ((word, columns), (bit, rows)):
        load = r * g * n * n
        damping *= load / (load + np.pi**2 / 4) if np.isfinite(load) else 1.0
    root = 1 / sqrt(max(1 - damping, 1e-12))
    rate = (root - 1) / (root + 1)
    return 2 + (log(1 / tolerance) / -log(rate) if rate > 0 else 0.0)


def conjugate_seconds(
    conductances: np.ndarray, wires: Wires, batch: int, tolerance: float, compiled: bool
) -> float:
    """Expected time of conjugate gradients for a batch of vectors."""
    steps = iterations(conductances, wires, tolerance) + 2
    return SWEEP_CALL[compiled] + SWEEP_CELL[compiled] * steps * batch * conductances.size


def merge_bytes(rows: int, columns: int, wires: Wires, compiled: bool, itemsize: int) -> int:
    """Peak memory of merging, with the copies of the cells that it is given."""
    closing = wires.two_sided
    numbers = merge_work(rows, columns, closing, compiled).peak + 8.0 * rows * columns
    numbers += 6.0 * closing * (rows + columns) ** 2
    return int(itemsize * numbers)


def direct_bytes(cells: int) -> int:
    """Memory of a sparse direct solution of so many cells, as measured from 10^3 to 10^6 of them."""
    return int(8 * 24 * cells * log2(max(cells, 2)))


def require_cells(arrays: int, cells: int, limit: int | None, what: str) -> None:
    """`require` so many arrays of float64, one number per cell."""
    require(8 * arrays * cells, limit, what)


def require(needed: int, limit: int | None, what: str) -> None:
    """Refuse what does not fit: ``limit`` bytes, or what the machine has free."""
    if limit is None and needed < _LITTLE:
        return
    free = available_bytes() if limit is None else checked_number("memory_limit", limit, low=0, infinite=True)
    if needed > free:
        raise CrossbarTooLarge(
            f"{what} needs about {needed / 2**30:.2f} GiB of memory and {free / 2**30:.2f} GiB are allowed",
            place="memory_limit" if limit is not None else "memory of this machine",
            remedy="split the array into tiles, ask for fewer vectors at once, or use dtype=numpy.float32",
        )


def available_bytes() -> int:
    """Memory that could be had now."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
