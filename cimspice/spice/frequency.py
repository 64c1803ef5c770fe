"""Analyses over frequency: `Ac` and `Noise`, and the frequencies that ngspice has to be asked for."""

import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from cimspice.spice.analysis import VECTOR, Analysis, check_name, number, require, wrong_points
from cimspice.spice.digits import deck_reads


def _deck_steps(points: int, start: float, stop: float) -> int:
    """Steps of a ``dec`` sweep as ngspice 39 counts them."""
    return math.floor(abs(math.log10(deck_reads(number(stop)) / deck_reads(number(start)))) * points)


@dataclass(frozen=True)
class _FrequencyAnalysis(Analysis):
    """What `Ac` and `Noise` share: a sweep of frequency."""

    axis: ClassVar[str | None] = "frequency"

    points: int
    start: float
    stop: float
    scale: str = "dec"

    def _check(self) -> None:
        super()._check()
        require(self.scale in ("dec", "oct", "lin"), self, "unknown scale", "use 'dec', 'oct' or 'lin'")
        require(int(self.points) == self.points >= 1, self, "points is not a count", "choose an integer >= 1")
        ordered = 0 < self.start <= self.stop
        require(ordered, self, "frequencies do not rise from above zero", "choose 0 < start <= stop (Hz)")

    @property
    def frequencies(self) -> np.ndarray:
        """Frequencies of the result (Hz), shape (points,); one where ``start`` is ``stop``."""
        if self.start == self.stop:
            return np.array([self.start])
        if self.scale == "lin":
            return np.linspace(self.start, self.stop, self.points)
        if self.scale == "oct":
            return self.start * 2.0 ** (np.arange(math.floor(self._steps + 1e-9) + 1) / self.points)
        count = max(1, math.floor(self._steps + 1e-9))
        return self.start * (self.stop / self.start) ** (np.arange(count + 1) / count)

    @property
    def _steps(self) -> float:
        """Steps of the width asked for that fit between ``start`` and ``stop``, the last one in part."""
        return self.points * (math.log10 if self.scale == "dec" else math.log2)(self.stop / self.start)

    @property
    def _words(self) -> str:
        stop, steps = self.stop, self._steps
        if self.scale == "dec" and abs(steps - round(steps)) < 1e-9:
            # ngspice rounds the steps down, and reads numbers to a unit in the last place only.
            stop *= 1 + 1e-12 * (_deck_steps(self.points, self.start, stop) < round(steps))
        return f"{self.scale} {self.points} {number(self.start)} {number(stop)}"

    def _pieces(self, whole: bool) -> tuple[str, ...]:
        """The words of the sweep if ngspice has it as a ``whole``, else of its parts: each step, or each of
        two frequencies (which ngspice's ``lin 2`` and less than a step of ``dec`` do not give).
        """
        if whole:
            return (self._words,)
        found = [number(frequency) for frequency in self.frequencies]
        if len(found) == 1 or (len(found) == 2 and not isinstance(self, Noise)):
            return tuple(f"lin 1 {frequency} {frequency}" for frequency in found)
        return tuple(f"lin 2 {first} {second}" for first, second in itertools.pairwise(found))

    def defect(self, axis: np.ndarray) -> str:
        return wrong_points(np.real(axis), self.frequencies, 1e-6 * self.frequencies)


@dataclass(frozen=True)
class Ac(_FrequencyAnalysis):
    """Small-signal sweep of frequency (Hz): ``points`` per decade, per octave ("oct") or in all ("lin").

    "dec" goes from ``start`` to ``stop``, both included, in as many equal steps (of the logarithm) as
    there are whole ones, at least one: floor(points * log10(stop / start)). "oct" keeps the step and may
    end below ``stop``. Where ``start`` is ``stop`` there is one frequency.
    """

    plot: ClassVar[str] = "ac"

    @property
    def command(self) -> str:
        return f"ac {self._words}"

    @cached_property
    def commands(self) -> tuple[str, ...]:
        count = len(self.frequencies)
        whole = (
            count > 2 or (count == 2 and self.scale == "oct") or (self.scale == "dec" and self._steps >= 1)
        )
        return tuple(f"ac {words}" for words in self._pieces(whole))


@dataclass(frozen=True)
class Noise(_FrequencyAnalysis):
    """Noise at node ``output`` referred to the source ``source``, over a sweep of frequency (Hz).

    Spectra are ``onoise_spectrum`` and ``inoise_spectrum`` (V/sqrt(Hz)); their integrals over the sweep are
    ``onoise_total`` and ``inoise_total`` (V rms), repeated along the axis; there are none for a single
    frequency. Frequencies are those of `Ac`.
    """

    plot: ClassVar[str] = "noise"

    output: str = field(kw_only=True)
    source: str = field(kw_only=True)

    def _check(self) -> None:
        super()._check()
        check_name(self, self.source)
        require(bool(VECTOR.match(self.output)), self, f"{self.output!r} is not a node", "give a node's name")

    @property
    def command(self) -> str:
        return f"{self._head} {self._words}"

    @cached_property
    def commands(self) -> tuple[str, ...]:
        # ngspice's own grid ends below `stop` unless that is a whole number of steps away.
        many = len(self.frequencies) > 1
        whole = many and (self.scale != "dec" or abs(self._steps - max(1, round(self._steps))) < 1e-9)
        return tuple(f"{self._head} {words}" for words in self._pieces(whole))

    @property
    def plots(self) -> int:
        return len(self.commands) * min(2, len(self.frequencies))  # spectra, and their integrals

    @property
    def asked(self) -> tuple[str, ...]:
        return ()  # spectra and integrals are two plots, and ngspice refuses one of which nothing is saved

    @property
    def _head(self) -> str:
        return f"noise v({self.output.lower()}) {self.source.lower()}"
