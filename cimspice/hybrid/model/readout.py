"""Read-outs of a partial sum: comparators, a converter, or none.

A read-out gives a column's code q from its partial sum s, in units of one cell; the layer adds q times a
scale. Comparators are ideal here; offset and noise are added to the sum before they decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cimspice.arrays import checked_count, checked_number
from cimspice.errors import ParameterError

Zero = Literal["half_cell", "random", "software"]
ZERO_SUMS: tuple[Zero, ...] = ("half_cell", "random", "software")
"""How binary decides on a sum of 0: for +1, since a dummy cell adds half a cell to every sum; by chance;
or not at all (its code is 0), which no comparator can do."""


@dataclass(frozen=True)
class Ideal:
    """The sum itself."""

    scaled = False

    def __str__(self) -> str:
        return "ideal"


@dataclass(frozen=True)
class Converter:
    """``bits`` of two's complement in steps of ``step`` cells."""

    bits: int
    step: float = 1.0
    scaled = False

    def __post_init__(self) -> None:
        checked_count("bits", self.bits, low=1, high=16, place="converter")
        checked_number("step", self.step, above=0, place="converter")

    def __str__(self) -> str:
        return f"adc:{self.bits} in steps of {self.step:g}"


@dataclass(frozen=True)
class Ternary:
    """Two decisions, sum above θ and sum below −θ.

    Half of the column's scale factor is θ, as in training codes that are public, or ``threshold`` cells,
    which dummy cells on the same bit lines make: an odd number of half cells is never met by a sum.
    """

    threshold: float | None = None
    independent: bool = False
    """Whether the decisions have a comparator each, with offsets of their own, or share one."""
    scaled = True

    def __post_init__(self) -> None:
        if self.threshold is not None:
            theta = checked_number("threshold", self.threshold, above=0, high=64, place="ternary")
            if round(2 * theta) != 2 * theta or round(2 * theta) % 2 == 0:
                raise ParameterError(
                    f"a threshold of {theta:g} cells",
                    place="threshold",
                    remedy="use 0.5, 1.5, 2.5 ...: an odd number of dummy cells of half a unit each",
                )

    def __str__(self) -> str:
        return "ternary" if self.threshold is None else f"ternary, threshold {self.threshold:g} cells"


@dataclass(frozen=True)
class Binary:
    """One decision, sum above 0; ``zero`` says what becomes of a sum of 0."""

    zero: Zero = "half_cell"
    scaled = True

    def __post_init__(self) -> None:
        if self.zero not in ZERO_SUMS:
            raise ParameterError(
                f"zero is {self.zero!r}"[:200], place="binary", remedy=f"use one of {', '.join(ZERO_SUMS)}"
            )

    def __str__(self) -> str:
        return f"binary, a sum of 0 decided by {self.zero}"


ReadOut = Ideal | Converter | Ternary | Binary


def named(text: str, rows: int, *, step: str = "unit", zero: str = "half_cell") -> ReadOut:
    """The read-out that a command line names.

    Parameters
    ----------
    text
        ``ideal``, ``ternary``, ``ternary:THRESHOLD`` with cells, ``binary`` or ``adc:BITS``.
    rows
        Of a crossbar.
    step
        Of a converter: ``unit`` (one cell), ``range`` (codes over ±rows) or a number of cells.
    zero
        Of binary.

    Raises
    ------
    ParameterError
        For any other.
    """
    kind, _, value = text.partition(":")
    try:
        if kind == "adc":
            bits = checked_count("bits", int(value), high=16, place="--readout")
            steps = {"unit": 1.0, "range": 2 * rows / 2**bits}
            return Converter(bits, steps[step] if step in steps else float(step))
        if kind == "ternary":
            return Ternary(float(value) if value else None)
        if not value and kind == "binary":
            return Binary(zero)  # type: ignore[arg-type] (Binary checks it)
        if not value and kind == "ideal":
            return Ideal()
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
    raise ParameterError(
        f"read-out {text!r} with step {step!r}"[:200],
        place="--readout",
        remedy="use ternary, ternary:1.5, binary, ideal or adc:BITS, with a step of unit, range or cells",
    )
