"""A matrix of conductances cut into tiles, as many as it takes, and what they compute put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_array, checked_count, real_array
from cimspice.errors import MappingError


@dataclass(frozen=True)
class Tiling:
    """Tiles of at most ``tile_rows`` x ``tile_columns`` that cover a matrix of ``rows`` x ``columns``.

    Tiles at the right and the lower edge are as large as what is left. Tiles count row by row.

    Raises
    ------
    MappingError
        For sizes below 1.
    """

    rows: int
    columns: int
    tile_rows: int = 64
    tile_columns: int = 64

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "tile_rows", "tile_columns"):
            checked_count(name, getattr(self, name), place="Tiling", error=MappingError)

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Rows and columns of every tile."""
        return [
            (slice(top, min(top + self.tile_rows, self.rows)), columns)
            for top in range(0, self.rows, self.tile_rows)
            for columns in self._column_slices()
        ]

    @property
    def regions(self) -> list[tuple[slice, slice]]:
        """Rows and columns of at most four parts within which all tiles are equally large."""
        parts = [_whole_and_rest(self.rows, self.tile_rows), _whole_and_rest(self.columns, self.tile_columns)]
        return [(rows, columns) for rows in parts[0] for columns in parts[1]]

    def size_at(self, rows: slice, columns: slice) -> tuple[int, int]:
        """Rows and columns of the tiles of one of the `regions`."""
        return min(self.tile_rows, rows.stop - rows.start), min(
            self.tile_columns, columns.stop - columns.start
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles one below the other, and side by side."""
        return -(-self.rows // self.tile_rows), -(-self.columns // self.tile_columns)

    def cut(self, matrix: np.ndarray) -> list[np.ndarray]:
        """Tiles (rows, columns) of a matrix of the tiling's shape."""
        matrix = real_array("matrix", matrix, MappingError)
        if matrix.shape != (self.rows, self.columns):
            raise MappingError(
                f"a matrix of {matrix.shape} is not what these tiles cover",
                place="Tiling",
                remedy=f"give ({self.rows}, {self.columns})",
            )
        return [matrix[place] for place in self.places]

    def joined(self, tiles: Sequence[np.ndarray]) -> np.ndarray:
        """The matrix of tiles: the inverse of :meth:`cut`."""
        self._check_number("tiles", tiles)
        matrix = np.empty((self.rows, self.columns))
        for place, tile in zip(self.places, tiles, strict=True):
            shape = tuple(part.stop - part.start for part in place)
            matrix[place] = checked_array("cells of a tile", tile, shape, infinite=True, error=MappingError)
        return matrix

    def inputs(self, voltages: np.ndarray) -> Iterator[np.ndarray]:
        """What each tile receives of voltages (batch, rows)."""
        volts = checked_array("voltages", voltages, ("batch", self.rows), error=MappingError)
        return (volts[:, rows] for rows, _ in self.places)

    def summed(self, currents: Sequence[np.ndarray]) -> np.ndarray:
        """Partial sums (batch, tile's columns) of all tiles added up (batch, columns)."""
        parts = self.checked(currents)
        total = np.zeros((len(parts[0]), self.columns))
        for (_, columns), part in zip(self.places, parts, strict=True):
            total[:, columns] += part
        return total

    def checked(self, currents: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Column currents (batch, tile's columns) of all tiles, if they are that."""
        self._check_number("currents", currents)
        return [
            checked_array(
                "currents of a tile",
                part,
                (len(currents[0]), columns.stop - columns.start),
                error=MappingError,
            )
            for (_, columns), part in zip(self.places, currents, strict=True)
        ]

    def _check_number(self, name: str, parts: Sequence[np.ndarray]) -> None:
        if len(parts) != len(self.places):
            raise MappingError(
                f"{len(parts)} {name} for {len(self.places)} tiles",
                place=name,
                remedy="give one for each tile",
            )

    def _column_slices(self) -> list[slice]:
        starts = range(0, self.columns, self.tile_columns)
        return [slice(left, min(left + self.tile_columns, self.columns)) for left in starts]


def _whole_and_rest(size: int, part: int) -> list[slice]:
    whole = size - size % part
    return [piece for piece in (slice(0, whole), slice(whole, size)) if piece.stop > piece.start]
