"""A trained network by its name or from a file of any kind; and from PyTorch where that is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cimspice.errors import ParameterError
from cimspice.network.built_in_networks import BUILT_IN, built_in
from cimspice.network.graph import Network
from cimspice.network.network_file import from_network_file
from cimspice.network.onnx_import import from_onnx
from cimspice.network.scikit_learn import from_skops
from cimspice.network.weight_files import from_arrays

_READERS: dict[str, Callable[[Path], Network]] = {
    ".npz": from_arrays,
    ".safetensors": from_arrays,
    ".npy": from_arrays,
    ".csv": from_arrays,
    ".toml": from_network_file,
    ".skops": from_skops,
}
_PICKLES = {
    ".pt": "save_file(model.state_dict(), 'net.safetensors') of safetensors.torch, or torch.onnx.export",
    ".pth": "save_file(model.state_dict(), 'net.safetensors') of safetensors.torch, or torch.onnx.export",
    ".pkl": "skops.io.dump(model, 'net.skops')",
    ".pickle": "skops.io.dump(model, 'net.skops')",
    ".joblib": "skops.io.dump(model, 'net.skops')",
}


def is_file(source: str | Path) -> bool:
    """Whether ``source`` names a file rather than a built-in network."""
    return source not in BUILT_IN and (bool(Path(source).suffix) or Path(source).exists())


def sample_shape(given: str | None) -> tuple[int, ...] | None:
    """The sizes in ``"3x224x224"``; ParameterError for another text."""
    if given is None:
        return None
    if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", given):
        raise ParameterError(
            f"input {given!r}", place="--input", remedy="give sizes of a sample such as 3x224x224"
        )
    return tuple(int(size) for size in given.split("x"))


def load_network(source: str | Path, input_shape: Sequence[int] | None = None, *, seed: int = 0) -> Network:
    """A network by the name of a built-in one, or from an ONNX, .npz, .safetensors, .npy, .csv, .skops or
    network file (.toml).

    Parameters
    ----------
    source
        Name or file.
    input_shape
        Of one sample, where an ONNX file leaves sizes open.
    seed
        Of split and training of a built-in network.

    Raises
    ------
    ParameterError, TableError
        If there is none, or it cannot be read.
    """
    if not is_file(source):
        return built_in(str(source), seed).network
    path = Path(source)
    ending = path.suffix.lower()
    if ending == ".onnx":
        return from_onnx(path, input_shape)
    if ending not in _READERS:
        pickled = (
            f"files {ending} can run code when they are read, and are not: write "
            if ending in _PICKLES
            else ""
        )
        raise ParameterError(
            f"a network in a {ending or 'nameless'} file",
            place=str(path),
            remedy=f"{pickled}{_PICKLES[ending]}" if pickled else f"give .onnx, {', '.join(_READERS)}",
        )
    return _READERS[ending](path)


def from_torch(module: Any, example: Any, name: str = "") -> Network:
    """A ``torch.nn.Module`` in inference mode, by way of ONNX.

    Parameters
    ----------
    module
        The network.
    example
        A tensor that it takes: a batch of samples.
    name
        Of the network; without it the module's class.

    Raises
    ------
    ParameterError
        Where torch is not installed, or cannot export the module, and as `from_onnx`.
    """
    try:
        import torch  # pyright: ignore[reportMissingImports] (optional)
    except ImportError:
        raise ParameterError(
            "networks of torch need the package torch",
            place="module",
            remedy="pip install torch, or export the network as ONNX where it is",
        ) from None
    trained = module.training
    module.eval()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            try:
                torch.onnx.export(module, (example,), str(path))
            except Exception as error:  # whatever the exporter raises
                raise ParameterError(
                    f"torch cannot export {type(module).__name__}: {error}",
                    place="module",
                    remedy="pip install onnx onnxscript, and see torch.onnx.export",
                ) from error
            return from_onnx(path, name=name or type(module).__name__)
    finally:
        module.train(trained)
