"""Wires of a crossbar: every segment's resistance, with the terminals at the four ends.

All forms a user may give end in two arrays, ``word`` (rows, columns + 1), ``bit`` (rows + 1, columns), ohms::

        bit[0, j]   top terminal of bit line j
            |
      --[word[i, j]]--o--[word[i, j + 1]]--     word[i, 0] begins at the left terminal, word[i, columns]
                      |                         ends at the right one; bit[rows, j] ends at the bottom one
                 bit[i + 1, j]

An open segment or a terminal that is not there is infinite; an ideal segment is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from cimspice.arrays import numbers
from cimspice.errors import ParameterError

Drive = Literal["left", "right", "both"]
Sense = Literal["bottom", "top", "both"]
Contacts = Literal["segment", "cell"]


@dataclass(frozen=True)
class Wires:
    """Resistance of every segment, terminals included.

    Attributes
    ----------
    word
        (rows, columns + 1), ohms, from the left terminal to the right one.
    bit
        (rows + 1, columns), ohms, from the top terminal to the bottom one.
    """

    word: np.ndarray
    bit: np.ndarray

    @classmethod
    def of(
        cls,
        rows: int,
        columns: int,
        word_line_resistance: object,
        bit_line_resistance: object,
        source_resistance: object,
        sense_resistance: object,
        drive: str,
        sense: str,
        contacts: str,
    ) -> Wires:
        """Wires from what `Crossbar` is given; raises ParameterError naming the argument."""
        _choice("drive", drive, ("left", "right", "both"))
        _choice("sense", sense, ("bottom", "top", "both"))
        _choice("contacts", contacts, ("segment", "cell"))
        word = _line("word_line_resistance", word_line_resistance, rows, columns, contacts, along=1)
        bit = _line("bit_line_resistance", bit_line_resistance, rows, columns, contacts, along=0)
        source = _ends("source_resistance", source_resistance, rows)
        sensed = _ends("sense_resistance", sense_resistance, columns)
        word[:, 0] += source[:, 0] if drive != "right" else np.inf
        word[:, -1] += source[:, 1] if drive != "left" else np.inf
        bit[0] += sensed[:, 0] if sense != "bottom" else np.inf
        bit[-1] += sensed[:, 1] if sense != "top" else np.inf
        word.setflags(write=False)
        bit.setflags(write=False)
        return cls(word, bit)

    @cached_property
    def two_sided(self) -> bool:
        """Whether lines have terminals at both ends."""
        left, right, top, bottom = (least < np.inf for _, least, _ in self._ends)
        return bool((left and right) or (top and bottom))

    @cached_property
    def means(self) -> tuple[float, float]:
        """Mean resistance (ohms) of the segments between cells that are whole, of word and of bit lines."""
        return _mean(self.word), _mean(self.bit)

    @cached_property
    def broken(self) -> bool:
        """Whether a segment between two cells is open, or a line lacks both its terminals."""
        if np.inf in self._inner:
            return True
        pairs = self._ends[:2], self._ends[2:]
        unsure = [(one, other) for (one, _, a), (other, _, b) in pairs if min(a, b) == np.inf]
        return any(np.minimum(one, other).max() == np.inf for one, other in unsure)

    @cached_property
    def largest(self) -> float:
        """Largest resistance (ohms) of a segment that is not open."""
        inner = zip((self.word[:, 1:-1], self.bit[1:-1]), self._inner, strict=True)
        found = [(part, most) for part, least, most in self._ends if least < np.inf] + list(inner)
        return float(max(part[part < np.inf].max(initial=0.0) if most == np.inf else most
                         for part, most in found))  # fmt: skip

    @cached_property
    def least(self) -> float:
        """Smallest resistance (ohms) of a segment that is not ideal; 0 where lines are ideal in parts."""
        inner = self.word[:, 1:-1], self.bit[1:-1]
        if any(0 < np.count_nonzero(part) < part.size for part in inner):
            return 0.0
        segments = np.concatenate([self.word, self.bit], axis=None)
        return float(segments[segments > 0].min())

    @cached_property
    def nearest(self) -> float:
        """Smallest resistance (ohms) of an end of a word line with that of an end of a bit line."""
        left, right, top, bottom = (least for _, least, _ in self._ends)
        return float(min(left, right) + min(top, bottom))

    @cached_property
    def paths(self) -> np.ndarray:
        """Resistance (ohms) of both lines from each cell to their nearest terminals (rows, columns)."""
        return _to_terminals(self.word) + _to_terminals(self.bit.T).T

    @cached_property
    def _inner(self) -> tuple[float, float]:
        # a maximum is one pass without an array of its own
        return self.word[:, 1:-1].max(initial=0.0), self.bit[1:-1].max(initial=0.0)

    @cached_property
    def _ends(self) -> list[tuple[np.ndarray, float, float]]:
        """Segments at left, right, top and bottom, with their least and their largest resistance."""
        ends = self.word[:, 0], self.word[:, -1], self.bit[0], self.bit[-1]
        return [(end, end.min(), end.max()) for end in ends]

    @cached_property
    def driven(self) -> np.ndarray:
        """Nodes of word lines that a wire joins to a driver, bool (rows, columns)."""
        return _joined(self.word)

    @cached_property
    def sensed(self) -> np.ndarray:
        """Nodes of bit lines that a wire joins to a sense terminal, bool (rows, columns)."""
        return _joined(self.bit.T).T


def _joined(segments: np.ndarray) -> np.ndarray:
    if segments[:, :-1].max() < np.inf:
        return np.ones((segments.shape[0], segments.shape[1] - 1), dtype=bool)
    whole = np.isfinite(segments)
    from_left = np.logical_and.accumulate(whole[:, :-1], axis=1)
    from_right = np.logical_and.accumulate(whole[:, :0:-1], axis=1)[:, ::-1]
    return from_left | from_right


def _to_terminals(segments: np.ndarray) -> np.ndarray:
    before, behind = np.cumsum(segments[:, :-1], axis=1), np.cumsum(segments[:, :0:-1], axis=1)[:, ::-1]
    return np.minimum(before, behind)


def _mean(segments: np.ndarray) -> float:
    inner = segments[1:-1, 1:-1]
    mean = float(inner.mean()) if inner.size else np.inf
    if np.isfinite(mean):
        return mean
    finite = segments[np.isfinite(segments)]
    return float(finite.mean()) if finite.size else 0.0


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ParameterError(
            f"{name} = {value!r} is unknown", place=name, remedy=f"use one of {', '.join(map(repr, allowed))}"
        )


def _resistance(name: str, value: object) -> np.ndarray:
    array = numbers(name, value)
    if np.isnan(array).any() or (array < 0).any():
        worst = array.ravel()[np.flatnonzero(np.isnan(array) | (array < 0))[0]]
        raise ParameterError(
            f"{name} holds {worst:g}",
            place=name,
            remedy="resistances are 0 (ideal) or more, in ohms; inf is a broken wire",
        )
    return array


def _line(name: str, value: object, rows: int, columns: int, contacts: str, along: int) -> np.ndarray:
    """Segments of all lines (rows, columns + 1) or (rows + 1, columns), from a scalar or an array."""
    full = [rows, columns]
    full[along] += 1
    inner = (slice(None), slice(1, -1)) if along == 1 else (slice(1, -1), slice(None))
    given = _resistance(name, value)
    if contacts == "segment":
        wanted, place = tuple(full), (slice(None), slice(None))
    else:
        between = [rows, columns]
        between[along] -= 1
        wanted, place = tuple(between), inner
    if given.ndim not in (0, 2) or (given.ndim == 2 and given.shape != wanted):
        raise ParameterError(
            f"{name} has shape {given.shape}",
            place=name,
            remedy=f"with contacts={contacts!r} it is one number or has shape {wanted}",
        )
    segments = np.zeros(full)
    segments[place] = given
    return segments


def _ends(name: str, value: object, lines: int) -> np.ndarray:
    """Resistance at both ends of each line, (lines, 2)."""
    given = _resistance(name, value)
    if given.shape == (lines,):
        given = given[:, None]
    elif given.shape not in ((), (lines, 2)):
        raise ParameterError(
            f"{name} has shape {given.shape}",
            place=name,
            remedy=f"it is one number, ({lines},) for each line, or ({lines}, 2) for both ends",
        )
    return np.broadcast_to(given, (lines, 2))
