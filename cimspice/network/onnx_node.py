"""What is read of one node of an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx


LARGEST_VALUE = 2**27
"""Most numbers in a value of the network; a small file may ask for any."""


class Unsupported(Exception):
    """Why a node cannot be taken over, to be said behind its name."""

    def __init__(self, reason: str, remedy: str = "export the network without it") -> None:
        super().__init__(reason)
        self.remedy = remedy


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """An attribute, text as ``str``."""
    from onnx import helper

    for each in node.attribute:
        if each.name == name:
            value = helper.get_attribute_value(each)
            return value.decode() if isinstance(value, bytes) else value
    return default


def own_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes of one sample, counted from 0 with the batch's, which must not be among them."""
    found = tuple(int(axis) % rank for axis in axes)
    if any(not -rank <= axis < rank for axis in axes):
        raise Unsupported(f"has an axis of {list(axes)} for a value of {rank} axes")
    if 0 in found:
        raise Unsupported("works along the batch")
    return found


def check_size(sizes: Iterable[int]) -> None:
    """Refuse a value of more than :data:`LARGEST_VALUE` numbers before it is made."""
    if prod(sizes) > LARGEST_VALUE:
        raise Unsupported(f"makes a value of more than {LARGEST_VALUE} numbers")
