"""A file of shapes (TOML): the layers of a network without weights.

::

    input = [1, 6, 6]

    [[layers]]
    name = "a"
    kind = "conv"
    channels = 4
    kernel = 3
    padding = 1
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from cimspice.errors import ParameterError
from cimspice.schedule.graph import Builder, Graph

_Axes = PositiveInt | tuple[PositiveInt, PositiveInt]
_End = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Layer(_Strict):
    name: str = ""
    kind: Literal["conv", "dense", "pool", "add", "concat", "slice", "upsample", "global_pool"]
    inputs: tuple[str, ...] = ()
    channels: PositiveInt | None = None
    kernel: _Axes = 1
    stride: _Axes | None = None
    padding: _End | tuple[_End, _End] | tuple[_End, _End, _End, _End] = 0
    dilation: _Axes = 1
    groups: PositiveInt = 1
    factor: PositiveInt = 2


class _File(_Strict):
    input: tuple[PositiveInt, PositiveInt, PositiveInt]
    layers: tuple[_Layer, ...] = Field(min_length=1)


_KEYS = {
    "conv": {"channels", "kernel", "stride", "padding", "dilation", "groups"},
    "dense": {"channels"},
    "pool": {"kernel", "stride", "padding", "dilation"},
    "add": set(),
    "concat": set(),
    "slice": {"channels"},
    "upsample": {"factor"},
    "global_pool": set(),
}


def from_shapes(path: Path, given: dict[str, Any]) -> Graph:
    """The graph of a file of shapes; a layer without ``inputs`` reads the one before."""
    remedy = "see docs/schedule.md for the keys of a file of shapes"
    try:
        file = _File.model_validate(_tuples(given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ParameterError(f"{key}: {first['msg']}"[:300], place=str(path), remedy=remedy) from None
    builder = Builder(path.name, *file.input)
    builder.place = str(path)
    for number, layer in enumerate(file.layers, 1):
        known = {"name", "kind", "inputs", *_KEYS[layer.kind]}
        needs = {"channels"} & _KEYS[layer.kind]
        unknown = (layer.model_fields_set - known) | (needs - layer.model_fields_set)
        if unknown:
            what = "lacks" if unknown <= needs else "has no use for"
            raise builder.error(f"layers.{number - 1}: {layer.kind} {what} {min(unknown)!r}", remedy)
        _add(builder, layer)
    return builder.graph()


def _add(b: Builder, layer: _Layer) -> None:
    sources = layer.inputs or (b.last,)
    joins = layer.kind in ("add", "concat")
    if (len(sources) > 1) != joins:
        count = "two or more" if joins else "one"
        raise b.error(
            f"layer {layer.name or layer.kind!r} ({layer.kind}) has {len(sources)} inputs", f"give it {count}"
        )
    channels, source = layer.channels or 0, sources[0]
    made: dict[str, Callable[[], str]] = {
        "conv": lambda: b.conv(
            channels, layer.kernel, layer.stride or 1, layer.padding, source, layer.name,
            groups=layer.groups, dilation=layer.dilation,
        ),
        "dense": lambda: b.whole("dense", channels, source, layer.name),
        "pool": lambda: b.pool(
            layer.kernel, layer.stride, layer.padding, source, layer.name, dilation=layer.dilation
        ),
        "slice": lambda: b.slice(channels, source, layer.name),
        "upsample": lambda: b.upsample(layer.factor, source, layer.name),
        "global_pool": lambda: b.whole(
            "global_pool", b.source(layer.name, source).channels, source, layer.name
        ),
    }  # fmt: skip
    if joins:
        b.join(layer.kind, sources, layer.name)
    else:
        made[layer.kind]()


def _tuples(value: Any) -> Any:
    """Lists as tuples, which strict fields of several numbers take."""
    if isinstance(value, list):
        return tuple(_tuples(each) for each in value)
    return {key: _tuples(each) for key, each in value.items()} if isinstance(value, dict) else value
