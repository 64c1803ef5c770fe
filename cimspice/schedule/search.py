"""Copies by the time of the schedule itself: local search from given copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cimspice.progress import OnProgress, Progress, silent

_MOST_TRIALS = 3000


def least_time(
    time_of: Callable[[list[int]], float],
    pixels: Sequence[int],
    costs: Sequence[int],
    spare: int,
    start: Sequence[int],
    *,
    most: int = _MOST_TRIALS,
    progress: OnProgress = silent,
) -> list[int]:
    """Copies with which ``time_of`` is least among all that differ in a copy added, or one moved to another
    layer, of equal times those with the fastest slowest layer; the search goes on from the best of each round
    until none is better, or ``most`` were tried.

    Parameters
    ----------
    time_of
        Of copies of each layer.
    pixels, costs
        Of each layer, and crossbars of one copy.
    spare
        Crossbars beside one copy of each layer.
    start
        Copies to begin with.
    most, progress
        Trials, and what is called as they go on.
    """

    def value(copies: list[int]) -> tuple[float, int]:
        return time_of(copies), max(-(-p // d) for p, d in zip(pixels, copies, strict=True))

    best, least = list(start), value(list(start))
    tried = {tuple(best)}
    while True:
        before = least
        for copies in _neighbours(best, pixels, costs, spare):
            if tuple(copies) in tried:
                continue
            if len(tried) >= most:
                return best
            tried.add(tuple(copies))
            progress(Progress(stage="copies", done=len(tried), points=most))
            found = value(copies)
            if found < least:
                best, least = copies, found
        if least == before:
            return best


def _neighbours(
    copies: list[int], pixels: Sequence[int], costs: Sequence[int], spare: int
) -> list[list[int]]:
    """One copy more of a layer where that fits, at the expense of one or two copies of another where not."""
    left = spare - sum(cost * (count - 1) for cost, count in zip(costs, copies, strict=True))
    found = []
    for more, cost in enumerate(costs):
        if copies[more] >= pixels[more]:
            continue
        grown = [count + (number == more) for number, count in enumerate(copies)]
        if cost <= left:
            found.append(grown)
            continue
        for less, freed in enumerate(costs):
            taken = -(-(cost - left) // freed)
            if less != more and copies[less] > taken:
                found.append([count - taken * (number == less) for number, count in enumerate(grown)])
    return found
