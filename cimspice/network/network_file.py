"""A network file (TOML): the layers of a network in a row, their arrays in a file beside it.

::

    weights = "net.npz"
    input = [1, 8, 8]

    [[layers]]
    kind = "conv"
    weights = "k1"
    bias = "c1"
    padding = 1

    [[layers]]
    kind = "relu"
"""

from __future__ import annotations

from math import prod
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from cimspice.documents import parse_toml
from cimspice.errors import ParameterError, TableError
from cimspice.files import open_plain
from cimspice.network.array_files import arrays_in
from cimspice.network.graph import INPUT, Network, Node

_LARGEST_FILE = 2**20
_Axes = PositiveInt | tuple[PositiveInt, ...]
_End = Annotated[int, Field(ge=0, le=256)]
_Padding = _End | tuple[_End, ...]
_LARGEST_INPUT = 2**27  # numbers


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Dense(_Strict):
    kind: Literal["dense"]
    weights: str
    bias: str = ""
    orientation: Literal["outputs, inputs", "inputs, outputs"] = "outputs, inputs"


class _Conv(_Strict):
    kind: Literal["conv"]
    weights: str
    bias: str = ""
    stride: _Axes = 1
    padding: _Padding = 0
    dilation: _Axes = 1
    groups: PositiveInt = 1


class _Normalisation(_Strict):
    kind: Literal["batch_normalisation"]
    scale: str
    shift: str
    mean: str
    variance: str
    epsilon: Annotated[float, Field(gt=0)] = 1e-5


class _Pool(_Strict):
    kind: Literal["max_pool", "average_pool"]
    kernel: _Axes
    stride: _Axes | None = None
    padding: _Padding = 0


class _Plain(_Strict):
    kind: Literal[
        "relu", "sigmoid", "tanh", "hard_swish", "mish", "softmax", "flatten", "global_average_pool",
        "global_max_pool",
    ]  # fmt: skip


class _LeakyRelu(_Strict):
    kind: Literal["leaky_relu"]
    slope: float = 0.01


class _Clip(_Strict):
    kind: Literal["clip"]
    low: float
    high: float


_Layer = Annotated[
    _Dense | _Conv | _Normalisation | _Pool | _Plain | _LeakyRelu | _Clip, Field(discriminator="kind")
]


class _File(_Strict):
    weights: str
    input: tuple[PositiveInt, ...] = Field(min_length=1)
    layers: tuple[_Layer, ...] = Field(min_length=1)


def from_network_file(path: str | Path) -> Network:
    """The network that a TOML file says; its ``weights`` are an .npz or .safetensors file in its folder.

    Kinds of layers: ``dense`` (``weights``, ``bias``, ``orientation``), ``conv`` (``weights``, ``bias``,
    ``stride``, ``padding``, ``dilation``, ``groups``), ``batch_normalisation`` (``scale``, ``shift``,
    ``mean``, ``variance``, ``epsilon``), ``max_pool`` and ``average_pool`` (``kernel``, ``stride``,
    ``padding``), ``relu``, ``leaky_relu`` (``slope``), ``clip`` (``low``, ``high``), ``sigmoid``, ``tanh``,
    ``hard_swish``, ``mish``, ``softmax``, ``flatten``, ``global_average_pool``, ``global_max_pool``. One
    number stands for all spatial axes; a padding of both ends of each axis is (begin..., end...).

    Raises
    ------
    ParameterError, TableError
        If it cannot be read, with the key that is wrong; for arrays that are missing or do not fit.
    """
    path = Path(path)
    try:
        with open_plain(path, _LARGEST_FILE) as file:
            given = _File.model_validate(_tuples(parse_toml(file.read())))
    except OSError as error:
        raise ParameterError(
            f"cannot read the network file: {error.strerror or error}",
            place=str(path),
            remedy="give a TOML file",
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ParameterError(
            f"{key}: {first['msg']}",
            place=str(path),
            remedy="see docs/networks.md for the keys of a network file",
        ) from None
    except ValueError as error:
        raise ParameterError(f"not TOML: {error}", place=str(path), remedy="give a network file") from None
    if PurePosixPath(given.weights).name != given.weights or given.weights in ("", ".", ".."):
        raise ParameterError(
            f"weights = {given.weights!r}", place=str(path), remedy="name a file in the same folder"
        )
    if prod(given.input) > _LARGEST_INPUT:
        raise ParameterError(
            f"input = {list(given.input)}", place=str(path), remedy="give the shape of one sample"
        )
    arrays = {array.name: array for array in arrays_in(path.with_name(given.weights))}

    def numbers(name: str) -> np.ndarray:
        if name not in arrays:
            raise TableError(
                f"no array {name!r}",
                place=str(path),
                remedy=f"choose from {', '.join(map(str, arrays.values()))}",
            )
        return arrays[name].numbers()

    nodes: list[Node] = []
    for number, layer in enumerate(given.layers, 1):
        made: dict[str, Any] = {key: numbers(name) for key, name in _arrays_of(layer).items()}
        before = nodes[-1].name if nodes else INPUT
        name = f"{layer.kind}{number}"
        try:
            with np.errstate(invalid="ignore"):  # of a negative variance, which is refused as nan
                settings = _settings(layer, made)
        except ValueError as error:
            raise ParameterError(
                f"arrays of layer {name!r} do not fit one another: {error}",
                place=str(path),
                remedy="give one number of each for every channel",
            ) from None
        nodes.append(Node(name, layer.kind, (before,), settings, made))
    return Network(path.name, given.input, tuple(nodes), nodes[-1].name, f"{path.name} and {given.weights}")


def _tuples(value: Any) -> Any:
    """Lists as tuples, which strict fields of several numbers take."""
    if isinstance(value, list):
        return tuple(_tuples(each) for each in value)
    return {key: _tuples(each) for key, each in value.items()} if isinstance(value, dict) else value


def _arrays_of(layer: Any) -> dict[str, str]:
    names = ("weights", "bias", "scale", "shift", "mean", "variance")
    return {key: getattr(layer, key) for key in names if getattr(layer, key, "")}


def _settings(layer: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    """Settings of the node; its arrays are brought to the form of the operation."""
    if isinstance(layer, _Dense) and layer.orientation == "inputs, outputs":
        arrays["weights"] = arrays["weights"].T
    if isinstance(layer, _Normalisation):
        mean, variance = arrays.pop("mean"), arrays.pop("variance")
        arrays["scale"] = arrays["scale"] / np.sqrt(variance + layer.epsilon)
        arrays["shift"] = arrays["shift"] - mean * arrays["scale"]
    if isinstance(layer, _Conv):
        axes = arrays["weights"].ndim - 2
        places = {key: _each(getattr(layer, key), axes) for key in ("stride", "dilation")}
        return {**places, "padding": _each(layer.padding, 2 * axes), "groups": layer.groups}
    if isinstance(layer, _Pool):
        axes = len(layer.kernel) if isinstance(layer.kernel, tuple) else 2
        kernel = _each(layer.kernel, axes)
        stride = kernel if layer.stride is None else _each(layer.stride, axes)
        return {"kernel": kernel, "stride": stride, "padding": _each(layer.padding, 2 * axes)}
    return {key: getattr(layer, key) for key in ("slope", "low", "high") if hasattr(layer, key)}


def _each(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * count
