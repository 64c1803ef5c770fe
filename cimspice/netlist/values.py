"""How a parameter model looks from inside a template: numbers, words and groups of them, all read-only."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from cimspice.errors import TemplateError
from cimspice.netlist.parameters import NetlistParameters


class Group:
    """A nested parameter model (or mapping): its parameters are its attributes."""

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Mapping[str, Any]):
        self._name, self._values = name, dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise TemplateError(
                f"{self._name} has no parameter {name!r}",
                remedy=f"it has: {', '.join(self._values) or 'none'}",
            )
        return self._values[name]

    __getitem__ = __getattr__

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Row(Sequence[Any]):
    """A tuple of values: indexed, counted and looped over, and an index outside it is an error that says so.

    Negative indices are refused: in a netlist they are an off-by-one that Python would hide.
    """

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Sequence[Any]):
        self._name, self._values = name, tuple(values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Row(self._name, self._values[index])
        if not isinstance(index, int) or isinstance(index, bool):
            raise TemplateError(f"{self._name}[{index!r}]: an index is an integer")
        if not 0 <= index < len(self._values):
            raise TemplateError(
                f"{self._name}[{index}] does not exist",
                remedy=f"indices run from 0 to {len(self._values) - 1}",
            )
        return self._values[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def template_values(parameters: NetlistParameters) -> dict[str, Any]:
    """Parameters as a template's variables.

    Parameters
    ----------
    parameters
        A validated model.

    Returns
    -------
    dict
        Name to number, word, :class:`Row` or :class:`Group`.
    """
    return {name: _seen(name, value) for name, value in parameters.visible()}


def _seen(name: str, value: Any) -> Any:
    if isinstance(value, NetlistParameters):
        return Group(name, {key: _seen(f"{name}.{key}", entry) for key, entry in value.visible()})
    if isinstance(value, Enum):
        return _seen(name, value.value)
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return Group(name, {str(key): _seen(f"{name}.{key}", entry) for key, entry in value.items()})
    if isinstance(value, list | tuple):
        return Row(name, [_seen(f"{name}[{index}]", entry) for index, entry in enumerate(value)])
    if value is None:
        return None
    raise TemplateError(
        f"parameter {name} is a {type(value).__name__}",
        remedy="use numbers, bools, names, enumerations, other parameter models, and tuples of these",
    )
