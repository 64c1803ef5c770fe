"""A plan: how a network is cut, ordered and written onto a number of crossbars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from cimspice.crossbar.programming.bit_slices import BitSlices, SignPlace
from cimspice.crossbar.programming.section_order import Assignment
from cimspice.crossbar.programming.sections import Scope, SortKey
from cimspice.crossbar.programming.write_choice import (
    Exact,
    LargestFirst,
    NearestValue,
    RandomStucking,
    WriteChoice,
    check_stucking,
)
from cimspice.errors import ParameterError

Order = Literal["unsorted", "sorted", "gray", "hamming"]
Choice = Literal["exact", "random", "largest", "nearest"]


@dataclass(frozen=True)
class Plan:
    """Everything that is chosen.

    Parameters
    ----------
    bits, sign
        See :class:`~cimspice.crossbar.programming.bit_slices.BitSlices`.
    rows, crossbars
        Rows of a crossbar, and physical crossbars that are written side by side.
    order
        ``"unsorted"``: weights and sections as the layer has them. ``"sorted"``: by magnitude, ascending
        (sorted weight sectioning). ``"gray"``: by place in the Gray sequence of words, the sequence turned by
        a column from layer to layer, chunks of sections given to the crossbar that holds the most similar
        state. ``"hamming"``: as gray, and the sections of each crossbar follow a short path by exact Hamming
        distance, the rows of each section matched to what the crossbar holds.
    scope
        ``"layer"``: a section takes weights of all outputs. ``"output"``: of one output only.
    assignment
        See :func:`~cimspice.crossbar.programming.section_order.schedule`.
    choice
        Which cells that differ are rewritten: ``"exact"`` all, ``"random"`` bit stucking, ``"largest"``
        the same number from the weightiest column down, ``"nearest"`` by squared error against a price.
    stuck_columns, fraction
        Low-order columns in which only a fraction is rewritten (``"random"``, ``"largest"``).
    price
        Squared error in levels² that a write must save (``"nearest"``).
    """

    bits: int = 8
    sign: SignPlace = "column"
    rows: int = 128
    crossbars: int = 16
    order: Order = "hamming"
    scope: Scope = "output"
    assignment: Assignment = "chunks"
    choice: Choice = "nearest"
    stuck_columns: int = 3
    fraction: float = 0.5
    price: float = 4.0

    def __post_init__(self) -> None:
        for name, kind in (
            ("order", Order),
            ("scope", Scope),
            ("assignment", Assignment),
            ("choice", Choice),
        ):
            if getattr(self, name) not in get_args(kind):
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}",
                    place=name,
                    remedy=f"choose from {', '.join(get_args(kind))}",
                )
        for name in ("rows", "crossbars"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{getattr(self, name)} {name}", place=name, remedy="give at least one")
        check_stucking(self.stuck_columns, self.fraction)
        if self.stuck_columns > self.slices.bits:
            raise ParameterError(
                f"{self.stuck_columns} stuck columns of {self.bits}",
                place="stuck_columns",
                remedy="leave the number of stuck columns at or below the bits",
            )

    @property
    def slices(self) -> BitSlices:
        return BitSlices(self.bits, self.sign)

    @property
    def sort(self) -> SortKey:
        if self.order == "unsorted":
            return "none"
        return "magnitude" if self.order == "sorted" else "gray"

    def write_choice(self) -> WriteChoice:
        """The choice of cells, ready to be used."""
        if self.choice == "exact":
            return Exact()
        if self.choice == "random":
            return RandomStucking(self.stuck_columns, self.fraction)
        if self.choice == "largest":
            return LargestFirst(self.stuck_columns, self.fraction)
        return NearestValue(self.slices, self.price)

    @property
    def parameters(self) -> dict[str, Any]:
        """What matters for this choice, for tables and JSON."""
        used: dict[str, tuple[str, ...]] = {
            "random": ("stuck_columns", "fraction"),
            "largest": ("stuck_columns", "fraction"),
            "nearest": ("price",),
        }
        names = ("bits", "sign", "rows", "crossbars", "order", "scope", "assignment", "choice")
        return {name: getattr(self, name) for name in (*names, *used.get(self.choice, ()))}
