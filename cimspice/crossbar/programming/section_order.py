"""Which crossbar programs which section, and in what order."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from cimspice.arrays import checked_array, checked_count
from cimspice.crossbar.programming.hamming_path import hamming_distances, shortened
from cimspice.crossbar.programming.sections import EMPTY, Sections
from cimspice.errors import ParameterError

Assignment = Literal["chunks", "dealt"]
_LONGEST_PATH = 1024


def schedule(
    sections: Sections,
    crossbars: int,
    assignment: Assignment = "chunks",
    *,
    state: np.ndarray | None = None,
    shorten: bool = False,
) -> np.ndarray:
    """Section of each step on each crossbar (steps, crossbars), −1 where a crossbar has nothing to do.

    Parameters
    ----------
    sections
        In the order in which they follow one another.
    crossbars
        Physical crossbars, written side by side.
    assignment
        ``"chunks"``: each crossbar takes consecutive sections. ``"dealt"``: like cards, each the next one, so
        that neighbours on a crossbar lie ``crossbars`` sections apart.
    state
        Words that the crossbars hold (crossbars, rows). Where given, chunks are dealt to crossbars, forwards
        or backwards, by linear assignment of the Hamming distance to their first section.
    shorten
        Order the sections of each crossbar by exact Hamming distance (see
        :func:`~cimspice.crossbar.programming.hamming_path.shortened`); needs ``state``.
    """
    checked_count("crossbars", crossbars)
    if state is not None:
        rows = sections.words.shape[1]
        state = checked_array(
            "words of the state", state, (crossbars, rows), low=0, high=0xFFFF, whole=True
        ).astype(np.uint16)
    count = len(sections.words)
    steps = -(-count // crossbars)
    if assignment == "dealt":
        flat = np.full(steps * crossbars, -1)
        flat[:count] = np.arange(count)
        return flat.reshape(steps, crossbars)
    if assignment != "chunks":
        raise ParameterError(
            f"assignment is {assignment!r}", place="assignment", remedy="choose chunks or dealt"
        )
    chunks = np.array_split(np.arange(count), crossbars)
    if state is not None:
        chunks = _assigned(sections, chunks, state)
        if shorten:
            pairs = zip(chunks, state, strict=True)
            chunks = [_ordered(sections, chunk, held) if len(chunk) else chunk for chunk, held in pairs]
    table = np.full((steps, crossbars), -1)
    for crossbar, chunk in enumerate(chunks):
        table[: len(chunk), crossbar] = chunk
    return table


def _assigned(sections: Sections, chunks: list[np.ndarray], state: np.ndarray) -> list[np.ndarray]:
    """Chunks to crossbars, each in the direction that begins nearer to what the crossbar holds."""
    filled = [chunk for chunk in chunks if len(chunk)]
    ends = np.array([[chunk[0], chunk[-1]] for chunk in filled])
    distance = np.stack([_distance(state, sections, ends[:, side]) for side in (0, 1)])
    rows, columns = linear_sum_assignment(distance.min(axis=0))
    assigned = [np.zeros(0, dtype=int) for _ in chunks]
    for crossbar, number in zip(rows, columns, strict=True):
        backwards = distance[1, crossbar, number] < distance[0, crossbar, number]
        assigned[crossbar] = filled[number][::-1] if backwards else filled[number]
    return assigned


def _distance(state: np.ndarray, sections: Sections, numbers: np.ndarray) -> np.ndarray:
    """Cells that differ (crossbars, sections), in rows that are used."""
    words, used = sections.words[numbers], sections.used[numbers]
    return hamming_distances(state, np.ones(state.shape, dtype=bool), words, used)


def _ordered(sections: Sections, chunk: np.ndarray, held: np.ndarray) -> np.ndarray:
    """A chunk's sections by Hamming distance, in pieces no longer than a path that is still quick to find."""
    pieces = np.array_split(chunk, max(1, -(-len(chunk) // _LONGEST_PATH)))
    ordered = []
    for piece in pieces:
        if len(piece) > 1:
            piece = piece[shortened(sections.words[piece], sections.used[piece], held)]
        ordered.append(piece)
        held = _after(sections, piece, held)
    return np.concatenate(ordered)


def _after(sections: Sections, piece: np.ndarray, held: np.ndarray) -> np.ndarray:
    """State after a piece: the last weight that used each row."""
    used = sections.index[piece] != EMPTY
    last = len(piece) - 1 - np.argmax(used[::-1], axis=0)
    rows = np.arange(used.shape[1])
    return np.where(used.any(axis=0), sections.words[piece][last, rows], held)
