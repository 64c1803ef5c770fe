"""Figures as files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from cimspice.files import write_atomically


def save(canvas: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG into ``folder``, whole or not at all; gives the two paths."""
    return [
        write_atomically(folder / f"{name}.png", canvas.savefig),
        # without the date the same figure gives the same file
        write_atomically(folder / f"{name}.svg", lambda path: canvas.savefig(path, metadata={"Date": None})),
    ]
