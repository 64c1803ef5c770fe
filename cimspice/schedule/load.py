"""A graph of shapes by the name of a published network, or from a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cimspice.documents import parse_toml
from cimspice.errors import ParameterError
from cimspice.files import read_plain
from cimspice.schedule.graph import Graph
from cimspice.schedule.networks import NETWORKS, Stride, published

_LARGEST_FILE = 2**20
_LARGEST_SIDE = 65536


def load_graph(source: str | Path, input_size: str | None = None, stride: Stride = "first") -> Graph:
    """A graph by the name of a published network, or from an ONNX file, a file of shapes or a network file
    (.toml), or any other file that has a network.

    Parameters
    ----------
    source
        Name or file.
    input_size
        ``"HxW"`` or ``"CxHxW"``: of a published network another than its own, of an ONNX file what it leaves
        open.
    stride
        Of residual networks: see `cimspice.schedule.networks.Stride`.

    Raises
    ------
    ParameterError, TableError
        If there is none, or it cannot be read.
    """
    sizes = _sizes(input_size)
    if str(source) in NETWORKS:
        return published(str(source), (sizes[-2], sizes[-1]) if sizes else None, stride)
    path = Path(source)
    if path.suffix.lower() == ".onnx":
        from cimspice.schedule.onnx_shapes import from_onnx

        return from_onnx(path, sizes)
    if not path.suffix and not path.exists():
        return published(str(source))  # which refuses it
    if sizes:
        raise ParameterError(
            f"input {input_size!r} for a file that says its own", place="--input", remedy="leave it out"
        )
    if path.suffix.lower() == ".toml":
        given = _toml(path)
        if "weights" not in given:
            from cimspice.schedule.shape_file import from_shapes

            return from_shapes(path, given)
    from cimspice.network.load import load_network
    from cimspice.schedule.shapes import from_network

    return from_network(load_network(path))


def _sizes(given: str | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    sizes = (
        tuple(map(int, given.split("x"))) if re.fullmatch(r"[1-9]\d{0,5}(x[1-9]\d{0,5}){1,2}", given) else ()
    )
    if not sizes or max(sizes) > _LARGEST_SIDE:
        raise ParameterError(
            f"input {given!r}"[:200],
            place="--input",
            remedy="give height and width of the input such as 224x224",
        )
    return sizes


def _toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_plain(path, _LARGEST_FILE))
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"no network can be read: {getattr(error, 'strerror', None) or error}"[:300],
            place=str(path),
            remedy="give a TOML file of layers, see docs/schedule.md",
        ) from None
