"""Physical crossbars of one-bit cells: what they hold, and how often each cell was SET and RESET."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_count, kept_array
from cimspice.crossbar.programming.bit_slices import MOST_BITS
from cimspice.crossbar.programming.row_matching import match_rows
from cimspice.crossbar.programming.sections import EMPTY, Sections
from cimspice.crossbar.programming.write_choice import WriteChoice
from cimspice.errors import ParameterError

_BLOCK_WORDS = 1 << 20


@dataclass(frozen=True, eq=False)
class Written:
    """What a layer's sections came to, all (sections, rows): words held when each section is read, the signs
    that the periphery keeps, and the index after rows were matched (−1: empty row)."""

    words: np.ndarray
    negative: np.ndarray
    index: np.ndarray


class Crossbars:
    """Equal crossbars, written side by side, erased (all cells 0, high resistance) at first.

    Parameters
    ----------
    count, rows, columns
        Physical crossbars and the shape of each.
    faulty, fault_value
        Words (crossbars, rows) of cells that no longer change, and of what those hold. Writes to them are
        still tried and counted.

    ``words`` (crossbars, rows) is the present state; ``sets`` and ``resets`` (crossbars, rows, columns) count
    the writes of each cell.
    """

    def __init__(
        self,
        count: int,
        rows: int,
        columns: int,
        *,
        faulty: np.ndarray | None = None,
        fault_value: np.ndarray | None = None,
    ) -> None:
        for name, value in (("crossbars", count), ("rows", rows), ("columns", columns)):
            checked_count(name, value)
        checked_count("columns", columns, high=MOST_BITS + 1)
        self.words = np.zeros((count, rows), dtype=np.uint16)
        if (faulty is None) != (fault_value is None):
            raise ParameterError(
                "faulty cells without the values that they hold, or values without cells",
                place="faulty, fault_value",
                remedy="give both or neither",
            )
        self.faulty = self.fault_value = None
        if faulty is not None:
            largest = (1 << columns) - 1
            self.faulty, self.fault_value = (
                kept_array(name, value, self.words.shape, low=0, high=largest, whole=True).astype(np.uint16)
                for name, value in (("faulty cells", faulty), ("fault values", fault_value))
            )
            self.words = self.fault_value & self.faulty
        self.sets = np.zeros((count, rows, columns), dtype=np.int64)
        self.resets = np.zeros((count, rows, columns), dtype=np.int64)

    def write(
        self,
        sections: Sections,
        schedule: np.ndarray,
        choice: WriteChoice,
        rng: np.random.Generator,
        *,
        match: bool = False,
    ) -> Written:
        """Program sections one after another.

        Parameters
        ----------
        sections
            What is to be held.
        schedule
            Section of each step on each crossbar (steps, crossbars), −1 for none; each section once.
        choice
            Which cells are rewritten.
        rng
            For choices that are drawn.
        match
            Permute the rows of each section so that the fewest cells differ.

        Returns
        -------
        Written
            In the order of ``sections``.
        """
        words, negative, index = (np.empty_like(part) for part in _parts(sections))
        block = max(1, _BLOCK_WORDS // self.words.size)
        for start in range(0, len(schedule), block):
            steps = schedule[start : start + block]
            held = self._write_block(sections, steps, choice, rng, match)
            done = steps >= 0
            for whole, part in zip((words, negative, index), held, strict=True):
                whole[steps[done]] = part[done]
        return Written(words, negative, index)

    def _write_block(
        self,
        sections: Sections,
        steps: np.ndarray,
        choice: WriteChoice,
        rng: np.random.Generator,
        match: bool,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words held, signs and index, each (steps, crossbars, rows)."""
        target, negative, index = (part[steps] for part in _parts(sections))
        index[steps < 0] = EMPTY
        states = np.empty((len(steps) + 1, *self.words.shape), dtype=np.uint16)
        states[0] = self.words
        wanted = np.empty_like(target)
        for step, state in enumerate(states[:-1]):
            if match:
                _match(state, target[step], negative[step], index[step])
            chosen = np.where(index[step] != EMPTY, choice.choose(state, target[step], rng), state)
            wanted[step] = chosen
            if self.faulty is not None and self.fault_value is not None:
                chosen = (chosen & ~self.faulty) | (self.fault_value & self.faulty)
            states[step + 1] = chosen
        self._count(states[:-1], wanted)
        self.words = states[-1].copy()
        return states[1:], negative, index

    def _count(self, before: np.ndarray, after: np.ndarray) -> None:
        for counts, written in ((self.sets, after & ~before), (self.resets, before & ~after)):
            for column in range(counts.shape[2]):
                counts[:, :, column] += ((written >> np.uint16(column)) & np.uint16(1)).sum(
                    axis=0, dtype=np.int64
                )


def _parts(sections: Sections) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return sections.words, sections.negative, sections.index


def _match(state: np.ndarray, *parts: np.ndarray) -> None:
    """Permute words, signs and index (each (crossbars, rows)) in place, where a crossbar must change."""
    words, _, index = parts
    used = index != EMPTY
    changing = np.flatnonzero(np.any(used & (state != words), axis=1))
    if changing.size:
        permutation = match_rows(state[changing], words[changing], used[changing])
        for part in parts:
            part[changing] = np.take_along_axis(part[changing], permutation, axis=1)
