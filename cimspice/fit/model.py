"""What every model is: a frozen dataclass of parameters with its equation as a method on arrays."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from cimspice.errors import ParameterError
from cimspice.families import import_room
from cimspice.fit.ranges import Ranges


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Base of all behavioural models.

    A subclass is a ``@dataclass(frozen=True, kw_only=True, eq=False)``. ``kind`` is its name on model cards,
    ``parameter_units`` names the fields that are fitted, with their units; all other fields are settings
    (fixed voltages, polarity, tables, other models). ``log_units`` names the parameters that are logarithms,
    with the unit of what they are the logarithm of: reports show that. Number sequences become read-only
    arrays. ``ranges`` holds what the fit saw of each input; a model without ranges never warns.
    """

    kind: ClassVar[str] = ""
    parameter_units: ClassVar[Mapping[str, str]] = {}
    log_units: ClassVar[Mapping[str, str]] = {}
    ranges: Ranges = field(default_factory=Ranges)

    def __post_init__(self) -> None:
        for name, value in self._fields():
            if isinstance(value, list | np.ndarray):
                array = np.array(value, dtype=float)
                array.flags.writeable = False
                object.__setattr__(self, name, array)
                value = array
            if isinstance(value, float | int | np.number | np.ndarray) and not np.all(np.isfinite(value)):
                raise ParameterError(
                    f"{name} of {self.kind} is not finite: {value}",
                    place=f"{self.kind}.{name}",
                    remedy="give finite numbers only",
                )

    def _fields(self) -> list[tuple[str, Any]]:
        return [(entry.name, getattr(self, entry.name)) for entry in fields(self) if entry.name != "ranges"]

    def parameters(self) -> dict[str, float]:
        """The fitted numbers by flat name (``rate``, ``coefficients[1,2]``), in the covariance's order."""
        flat: dict[str, float] = {}
        for name in self.parameter_units:
            flat.update(flatten(name, getattr(self, name)))
        return flat

    def settings(self) -> dict[str, Any]:
        """The fields that no fit changes."""
        return {name: value for name, value in self._fields() if name not in self.parameter_units}

    def unit(self, parameter: str) -> str:
        """The unit of a flat parameter name."""
        return self.parameter_units[parameter.partition("[")[0]]

    def log_unit(self, parameter: str) -> str | None:
        """The unit of what a flat parameter name is the logarithm of; None where it is none."""
        return self.log_units.get(parameter.partition("[")[0])

    def _check(self, **inputs: Any) -> None:
        if self.ranges:
            self.ranges.check(self.kind, **inputs)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Model) or self.ranges != other.ranges:
            return False
        return all(_same(mine, getattr(other, name)) for name, mine in self._fields())

    def __hash__(self) -> int:
        return hash((self.kind, tuple(self.parameters().values())))


def type_name(entry: Field[Any]) -> str:
    """``float``, ``ndarray``: a field's type without its module, its annotation deferred or not."""
    kind = entry.type
    return kind.removeprefix("np.") if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)


def flatten(name: str, value: Any) -> dict[str, float]:
    """A number, or each element of an array as ``name[i,j]``."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return {name: float(array)}
    return {f"{name}[{','.join(map(str, index))}]": float(array[index]) for index in np.ndindex(*array.shape)}


def unflatten(flat: Mapping[str, float]) -> dict[str, Any]:
    """The inverse of :func:`flatten` for several names at once. An element that is missing is an error."""
    grouped: dict[str, dict[tuple[int, ...], float]] = {}
    for key, value in flat.items():
        name, bracket, index = key.partition("[")
        try:
            position = tuple(int(part) for part in index.rstrip("]").split(",")) if bracket else ()
        except ValueError:
            raise ParameterError(
                f"not a parameter name: {key!r}", remedy="write name or name[0] or name[0,1]"
            ) from None
        grouped.setdefault(name, {})[position] = float(value)
    result: dict[str, Any] = {}
    for name, elements in grouped.items():
        ranks = {len(position) for position in elements}
        shape = tuple(1 + max(axis) for axis in zip(*elements, strict=False))
        filled = (
            len(ranks) == 1
            and int(np.prod(shape)) == len(elements)
            and all(i >= 0 for position in elements for i in position)
        )
        if not filled:
            raise ParameterError(
                f"parameter {name!r} has {len(elements)} elements that do not fill an array",
                remedy="restore the card from its fit",
            )
        array = np.empty(shape)
        for position, value in elements.items():
            array[position] = value
        result[name] = array if shape else float(array)
    return result


_KINDS: dict[str, type[Model]] = {}
ModelClass = TypeVar("ModelClass", bound=type[Model])


def register(model: ModelClass) -> ModelClass:
    """Class decorator: make ``model`` known by its ``kind``, so that cards of it can be loaded."""
    known = _KINDS.get(model.kind)
    if not model.kind or (known is not None and known.__qualname__ != model.__qualname__):
        raise ParameterError(f"the kind {model.kind!r} of {model.__name__} is empty or already taken")
    _KINDS[model.kind] = model
    return model


def registered() -> dict[str, type[Model]]:
    """The models that are known, by kind."""
    return dict(_KINDS)


def model_class(kind: str) -> type[Model]:
    """The registered model of this kind."""
    if kind not in _KINDS:
        import_room("model")
    try:
        return _KINDS[kind]
    except KeyError:
        raise ParameterError(
            f"unknown model kind {kind!r}; known are {', '.join(sorted(_KINDS))}",
            remedy="check the spelling, or import the module of this model before loading its card",
        ) from None
