"""What a template may be rendered with: a pydantic model of finite numbers, names and enumerations."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo

from cimspice.errors import CimspiceError, ParameterError
from cimspice.netlist.explain import parameter_error
from cimspice.netlist.numbers import number_text

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
"""A name that a user may give to a node or an instance: a letter, then letters, digits and underscores."""

_SCALARS = frozenset({float, int, str, bool, type(None)})
_WORD = re.compile(r"(?:[A-Za-z0-9_\[-][A-Za-z0-9_.:#\[\]+-]{0,255})?")


def is_word(text: str) -> bool:
    """Whether a string is one word that can neither end a SPICE line nor start a new one."""
    return _WORD.fullmatch(text) is not None


def quantity(
    unit: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    description: str = "",
) -> FieldInfo:
    """Unit and bounds of a number, as in ``gate_bias: Annotated[float, quantity("V", ge=0, le=1.8)] = 0.5``.

    Parameters
    ----------
    unit
        SI unit (``"V"``, ``"F"``, ``"s"``), ``"°C"`` for temperature, ``"1"`` for a pure number. Kept in the
        JSON schema under ``unit``.
    ge, gt, le, lt
        Bounds in that unit.
    description
        What the number is, for messages and documentation.

    Notes
    -----
    Text is refused even where it looks like a number, and so are nan and inf.
    """
    field: FieldInfo = Field(
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        strict=True,
        allow_inf_nan=False,
        description=description or None,
        json_schema_extra={"unit": unit},
    )
    return field


def _refuse(model: type[BaseModel], error: Exception, place: str = "") -> NoReturn:
    """A fault of a validation as our own error (no context manager: it would take a tenth of planning)."""
    if isinstance(error, CimspiceError):
        raise error
    cause = None if isinstance(error, ValidationError) else error  # of a validator of the user's
    raise parameter_error(model, error, place=place) from cause


class NetlistParameters(BaseModel):
    """Base of all parameter models: frozen, unknown names refused, finite numbers and single words inside.

    Fields are numbers (see :func:`quantity`), bools, :data:`Name`, enumerations or literals, other parameter
    models, and tuples or mappings of these. numpy arrays and scalars are taken as nested lists and numbers.
    Computed fields are visible to the template too.

    Raises
    ------
    ParameterError
        From the constructor and from ``model_validate``, every fault at once: value, allowed range, remedy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except Exception as error:
            _refuse(type(self), error)

    # pydantic then validates nested models directly, and reports all their faults together with ours
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess] (pydantic's own mark)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """As pydantic's, with :class:`ParameterError` instead of its own exception."""
        try:
            return super().model_validate(obj, **options)
        except Exception as error:
            _refuse(cls, error)

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, place: str) -> Self:
        """Parameters from a mapping (a TOML table, say), with errors that name the place it came from."""
        try:
            return super().model_validate(dict(values))
        except Exception as error:
            _refuse(cls, error, place)

    @model_validator(mode="before")
    @classmethod
    def _without_arrays(cls, data: Any) -> Any:
        if type(data) is dict and _SCALARS.issuperset(map(type, data.values())):
            return data
        return _plain(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _only_numbers_and_words(self) -> Self:
        for name in _not_floats(type(self)):
            _check(getattr(self, name), name)
        return self

    @classmethod
    def visible_names(cls) -> tuple[str, ...]:
        """Names that a template sees: fields and computed fields."""
        return _names(cls)

    def visible(self) -> Iterator[tuple[str, Any]]:
        """Names and values that a template sees: fields and computed fields."""
        for name in _names(type(self)):
            yield name, getattr(self, name)


@lru_cache(maxsize=256)
def _names(kind: type[NetlistParameters]) -> tuple[str, ...]:
    """Fields and computed fields of a class."""
    return (*kind.model_fields, *kind.model_computed_fields)


@lru_cache(maxsize=256)
def _not_floats(kind: type[NetlistParameters]) -> tuple[str, ...]:
    """Those whose type has not refused everything yet: of a float only what is finite has passed."""
    return tuple(
        name
        for name in _names(kind)
        if name in kind.model_computed_fields or kind.model_fields[name].annotation is not float
    )


def _plain(value: Any) -> Any:
    """Lists and numbers for numpy's arrays and scalars (known by their ``tolist``: numpy is not imported)."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _check(value: Any, place: str) -> None:
    """Refuse what no field type has refused: too large integers, strings that are more than one word."""
    kind = type(value)
    if kind is bool or (kind is float and isfinite(value)) or (kind is str and is_word(value)):
        return
    if isinstance(value, Enum):
        _check(value.value, place)
    elif isinstance(value, str):
        if not is_word(value):
            raise ValueError(
                f"{place} is {value[:40]!r}, which is not one word of letters, digits and _.:#[]+-"
            )
    elif isinstance(value, int | float):
        try:
            number_text(value)
        except ParameterError as error:
            raise ValueError(f"{place}: {error.message}") from None
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            _check(key, f"{place} (key)")
            _check(entry, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            _check(entry, f"{place}[{index}]")
