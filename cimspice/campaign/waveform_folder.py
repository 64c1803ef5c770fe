"""The folder beside the store's file that holds waveforms: a Parquet file for each batch of points."""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from cimspice.campaign import waveform_file
from cimspice.campaign.waveform_file import Vectors
from cimspice.errors import StoreError
from cimspice.files import write_atomically

_ENDING = ".parquet"
_BEING_WRITTEN_SECONDS = 3600.0


class WaveformFolder:
    """Files are written whole and to the disk before the store's file names them: a kill or a power cut
    leaves a file too many at worst, never a name without its file.

    Parameters
    ----------
    store
        The store's file: ``points.sqlite`` has its waveforms in ``points.waveforms``.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_suffix(".waveforms")

    def write(self, waveforms: Mapping[str, Vectors]) -> str:
        """Write one batch (digest -> columns) and return the file's name."""
        first = next(iter(waveforms))
        name = f"{first[:16]}-{secrets.token_hex(4)}{_ENDING}"
        columns = dict.fromkeys(column for vectors in waveforms.values() for column in vectors)
        write_atomically(
            self.path / name,
            lambda path: waveform_file.write(path, columns, waveforms.items(), pa.string()),
        )
        return name

    def read(self, name: str, digests: Collection[str]) -> Iterator[tuple[str, Vectors]]:
        """Those of the digests that a file holds. StoreError if the file is missing or damaged."""
        path = self.path / Path(name).name
        try:
            yield from waveform_file.read(path, digests)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreError(
                f"waveforms cannot be read: {str(error).splitlines()[0][:200]}",
                place=str(path),
                remedy="remove their points with cimspice cache prune and run the campaign again",
            ) from error

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.glob("*" + _ENDING))

    def remove(self, names: Collection[str]) -> None:
        """Remove these files."""
        for name in names:
            (self.path / Path(name).name).unlink(missing_ok=True)

    def abandoned(self, named: Collection[str]) -> set[str]:
        """Files that the store does not name, and that no other process is about to name (a kill leaves such
        ones).
        """
        before = time.time() - _BEING_WRITTEN_SECONDS
        files = (file for file in self.path.glob("*" + _ENDING) if file.name not in named)
        return {file.name for file in files if file.stat().st_mtime < before}
