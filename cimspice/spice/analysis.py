"""Analyses as frozen, hashable values: what is swept, what is kept, and what a complete result looks like.

Each analysis renders itself to one ngspice command (the same words serve as a dot card in batch mode) and
knows the axis that a complete result must have, so that a partial result is never taken for a whole one.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np

from cimspice.errors import ParameterError

_NAME = re.compile(r"[A-Za-z][\w.:#\[\]]*\Z")
# As extractors and schematic editors write them: a_12#, /top/net, data<3>, in[0], vdd!, n~.
VECTOR = re.compile(r"[\w.:#+/<>\[\]~|%@-]*[\w.:#+/<>\[\]~|%-]!?\Z")


def number(value: float) -> str:
    """Shortest text that reads back as exactly this float; ngspice's scale suffixes are never used."""
    return repr(float(value))


def require(condition: bool, what: object, wrong: str, remedy: str) -> None:
    """Refuse an analysis (ParameterError) unless the condition holds."""
    if not condition:
        raise ParameterError(f"{what!r}: {wrong}", place=type(what).__name__, remedy=remedy)


def _check_finite(what: Analysis | Sweep) -> None:
    for name, value in vars(what).items():
        if isinstance(value, int | float) and not math.isfinite(value):
            raise ParameterError(
                f"{name} = {value!r} is not finite",
                place=f"{type(what).__name__}.{name}",
                remedy="give a finite number",
            )


def check_name(what: object, name: str) -> None:
    """Refuse an analysis whose element cannot have this name."""
    wrong = f"{name!r} is not the name of an element"
    require(
        bool(_NAME.match(name)),
        what,
        wrong,
        "ngspice splits it: use letters, digits, . : # _ [ ], beginning with a letter",
    )


def wrong_points(axis: np.ndarray, wanted: np.ndarray, tolerance: np.ndarray | float) -> str:
    """Where an axis, shape (points,), is not as wanted; empty if it is."""
    if len(axis) != len(wanted):
        return f"{len(axis)} points instead of {len(wanted)}"
    distance = np.abs(axis - wanted)
    if (distance <= tolerance).all():
        return ""
    worst = int(np.argmax(distance))
    return f"point {worst} of the sweep is at {axis[worst]:.9g} instead of {wanted[worst]:.9g}"


@dataclass(frozen=True)
class Analysis(ABC):
    """One analysis.

    ``save`` names the vectors kept (nodes, ``vname#branch``, ``@m.x1.m0[id]``); empty keeps all.
    """

    axis: ClassVar[str | None] = None
    plot: ClassVar[str]
    dynamic: ClassVar[bool] = True
    """Whether charges matter: not for `Op` and `Dc`."""

    save: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "save", tuple(name.lower() for name in self.save))
        _check_once(self)

    def _check(self) -> None:
        """Refuse values that ngspice would misread."""
        _check_finite(self)
        for name in self.save:
            wrong = f"{name!r} is not the name of a vector"
            remedy = "use a node's name, vname#branch, or @device[parameter]"
            require(bool(VECTOR.match(name)), self, wrong, remedy)

    @property
    @abstractmethod
    def command(self) -> str:
        """The analysis as an ngspice command; with a leading dot it is the card of a batch deck."""

    @cached_property
    def commands(self) -> tuple[str, ...]:
        """What ngspice executes: `command`, or several whose results together are the analysis."""
        return (self.command,)

    @property
    def plots(self) -> int:
        """How many plots ngspice makes of it."""
        return len(self.commands)

    @property
    def asked(self) -> tuple[str, ...]:
        """The vectors that ngspice is asked to save; empty for all."""
        return self.save

    @abstractmethod
    def defect(self, axis: np.ndarray) -> str:
        """Why this axis, shape (points,), is not that of a complete run; empty if it is complete."""


@lru_cache(maxsize=256)
def _check_once(analysis: Analysis) -> None:
    """Most points of a sweep have the same analysis: equal ones are checked once (what is refused is not
    remembered).
    """
    analysis._check()


@dataclass(frozen=True)
class Op(Analysis):
    """Operating point: every vector has one value."""

    plot: ClassVar[str] = "op"
    dynamic: ClassVar[bool] = False

    @property
    def command(self) -> str:
        return "op"

    def defect(self, axis: np.ndarray) -> str:
        return "" if len(axis) == 1 else f"{len(axis)} points instead of 1"


@dataclass(frozen=True)
class Sweep:
    """A swept quantity of a `Dc`: a source (V, A), a resistor (ohm) or ``temp`` (degrees Celsius)."""

    source: str
    start: float
    stop: float
    step: float

    def __post_init__(self) -> None:
        _check_finite(self)
        check_name(self, self.source)
        right_way = self.step != 0 and (self.stop - self.start) / self.step >= 0
        remedy = "give the step the sign of stop - start"
        require(right_way, self, "the step does not lead from start to stop", remedy)

    @property
    def values(self) -> np.ndarray:
        """The values swept, both ends included, shape (points,)."""
        return self.start + self.step * np.arange(math.floor((self.stop - self.start) / self.step + 1e-6) + 1)

    @property
    def words(self) -> str:
        """Source, start, stop and step as ngspice reads them."""
        # ngspice adds up the steps: round-off would drop the last point of a long sweep without this margin.
        margin = self.stop + 1e-6 * self.step
        return f"{self.source.lower()} {number(self.start)} {number(margin)} {number(self.step)}"


@dataclass(frozen=True)
class Dc(Analysis):
    """Sweep of ``source`` (a source, a resistor or ``temp``) from ``start`` to ``stop``, both included.

    ``outer`` is a second, slower sweep: vectors then hold its runs one after another.
    """

    axis: ClassVar[str | None] = "v-sweep"
    plot: ClassVar[str] = "dc"
    dynamic: ClassVar[bool] = False

    source: str
    start: float
    stop: float
    step: float
    outer: Sweep | None = None

    def _check(self) -> None:
        super()._check()
        _ = self.sweep  # it checks itself

    @cached_property
    def sweep(self) -> Sweep:
        """The fast sweep."""
        return Sweep(self.source, self.start, self.stop, self.step)

    @property
    def command(self) -> str:
        return f"dc {self.sweep.words}" + (f" {self.outer.words}" if self.outer else "")

    def defect(self, axis: np.ndarray) -> str:
        wanted = self.sweep.values
        if self.outer is not None:
            wanted = np.tile(wanted, len(self.outer.values))
        return wrong_points(axis, wanted, 1e-4 * abs(self.step))


@dataclass(frozen=True)
class Tran(Analysis):
    """Transient from 0 to ``stop`` (s); data kept from ``start`` on, time steps at most ``max_step``.

    ``step`` (s) is ngspice's printing step, which also bounds its first internal steps. With ``uic`` the run
    starts from the ``.ic`` values of the netlist instead of an operating point.
    """

    axis: ClassVar[str | None] = "time"
    plot: ClassVar[str] = "tran"

    step: float
    stop: float
    start: float = 0.0
    max_step: float | None = None
    uic: bool = False

    def _check(self) -> None:
        super()._check()
        require(0 < self.step <= self.stop, self, "step is not in (0, stop]", "choose 0 < step <= stop (s)")
        require(
            0 <= self.start < self.stop, self, "start is not in [0, stop)", "choose 0 <= start < stop (s)"
        )
        positive = self.max_step is None or self.max_step > 0
        require(positive, self, "max_step is not positive", "choose max_step > 0 (s) or None")

    @property
    def command(self) -> str:
        words = ["tran", number(self.step), number(self.stop)]
        if self.start or self.max_step is not None:
            words.append(number(self.start))
        if self.max_step is not None:
            words.append(number(self.max_step))
        return " ".join([*words, "uic"] if self.uic else words)

    def defect(self, axis: np.ndarray) -> str:
        if len(axis) < 2:
            return f"{len(axis)} time points"
        if (np.diff(axis) < 0).any():
            return "time runs backwards"
        if abs(axis[-1] - self.stop) > 1e-9 * self.stop:
            return f"the run ended at {axis[-1]:.6g} s instead of {self.stop:.6g} s"
        longest_step = max(self.step, self.max_step or 0.0, (self.stop - self.start) / 50)
        if axis[0] > self.start + 2 * longest_step:
            return f"the run began at {axis[0]:.6g} s instead of {self.start:.6g} s"
        return ""
