"""Colours of figures and pages: the same thing has the same colour in all of them."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

PALETTE = ("#1f5fa8", "#c8553d", "#2a9d6f", "#8a4fbe", "#d99a1c", "#3aa6b9", "#b23a77", "#6b7683")
"""Of what has no order."""
CORNERS = {"tt": "#3d4451", "ss": "#1f5fa8", "ff": "#c8553d", "sf": "#d99a1c", "fs": "#2a9d6f"}
VIRIDIS = ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b")
"""Viridis without its palest tenth, which is hard to see on white."""
LIMIT = "#b02a37"


def colours_of(values: Sequence[Any], column: str = "", *, graded: bool = False) -> list[str]:
    """A colour for each value: shades for graded numbers, corners their own, others the palette's."""
    if graded:
        stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in VIRIDIS], dtype=float)
        at = np.linspace(0, len(VIRIDIS) - 1, len(values)) if len(values) > 1 else np.array([3.0])
        mixed = np.stack([np.interp(at, np.arange(len(VIRIDIS)), stops[:, i]) for i in range(3)], axis=1)
        return ["#" + "".join(f"{round(part):02x}" for part in colour) for colour in mixed.tolist()]
    if column == "corner" and not set(CORNERS).isdisjoint(values):
        others = count(len(CORNERS))
        return [CORNERS.get(value) or PALETTE[next(others) % len(PALETTE)] for value in values]
    return [PALETTE[index % len(PALETTE)] for index in range(len(values))]
