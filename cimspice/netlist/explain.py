"""From pydantic's errors to ours: each fault with its value, the allowed range, the nearest name."""

import difflib
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cimspice.errors import ParameterError
from cimspice.own_code import line_of

_SHOWN = 12


def parameter_error(model: type[BaseModel], error: Exception, *, place: str = "") -> ParameterError:
    """One :class:`ParameterError` that lists every fault of a validation, or says what a validator or
    computed field of the user's has raised.
    """
    if not isinstance(error, ValidationError):
        return ParameterError(
            f"a validator or computed field of {model.__name__} failed: {type(error).__name__}: {error} "
            f"({line_of(error)})",
            place=place or model.__name__,
            remedy="correct it; a value that a validator does not allow is reported by a ValueError",
        )
    faults = error.errors(include_url=False, include_context=True)
    lines, unknown, missing = [], False, False
    for fault in faults[:_SHOWN]:
        unknown = unknown or fault["type"] == "extra_forbidden"
        missing = missing or fault["type"] == "missing"
        lines.append(_fault_line(model, fault))
    if len(faults) > _SHOWN:
        lines.append(f"and {len(faults) - _SHOWN} more")
    remedies = []
    if unknown:
        remedies.append(f"parameters of {model.__name__} are: {', '.join(model.model_fields)}")
    if missing:
        remedies.append("give the missing parameters a value")
    if not remedies:
        remedies.append("give values within the allowed ranges, in SI units, as numbers (not text)")
    return ParameterError("\n".join(lines), place=place or model.__name__, remedy="; ".join(remedies))


def _fault_line(model: type[BaseModel], fault: Any) -> str:
    location = fault["loc"]
    name = _dotted(location)
    owner, field = _find(model, location)
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), owner.model_fields, n=1)
        known = f"; {owner.__name__} has {', '.join(owner.model_fields)}" if owner is not model else ""
        return f"unknown parameter {name}" + (f"; did you mean {near[0]}?" if near else known)
    if fault["type"] == "missing":
        return f"parameter {name} is missing{_range(field)}"
    if fault["type"] == "value_error":
        text = str(fault["ctx"]["error"])
        return f"{name}: {text}" if name else text
    unit = _unit(field)
    return f"{name} = {_short(fault['input'])}{unit}: {_lowered(fault['msg'])}{_range(field)}"


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _find(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that owns the last named part of a location, and the field of that name, if there is one."""
    field: FieldInfo | None = None
    for part in location:
        inner = _inner_model(field)
        if inner is not None:
            model = inner
        if isinstance(part, str) and part in model.model_fields:
            field = model.model_fields[part]
    return model, field


def _inner_model(field: FieldInfo | None) -> type[BaseModel] | None:
    pending: list[Any] = [] if field is None else [field.annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending.extend(get_args(kind))
    return None


def _constraints(field: FieldInfo | None) -> tuple[dict[str, float], str]:
    """Bounds and unit of a field, also where they belong to the elements of a tuple."""
    if field is None:
        return {}, ""
    bounds: dict[str, float] = {}
    extra = field.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    pending = [*field.metadata, *get_args(field.annotation)]
    while pending:
        part = pending.pop()
        for key in ("ge", "gt", "le", "lt"):
            value = getattr(part, key, None)
            if isinstance(value, int | float):
                bounds[key] = value
        if isinstance(part, FieldInfo):
            extra = part.json_schema_extra
            unit = unit or (extra.get("unit", "") if isinstance(extra, dict) else "")
            pending.extend(part.metadata)
        elif not isinstance(part, type):
            pending.extend(get_args(part))
    return bounds, "" if unit in ("", "1") else f" {unit}"


def _unit(field: FieldInfo | None) -> str:
    return _constraints(field)[1]


def _range(field: FieldInfo | None) -> str:
    bounds, unit = _constraints(field)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    parts = [f"{sign} {bounds[key]!r}{unit}" for key, sign in signs.items() if key in bounds]
    return f" (allowed: {' and '.join(parts)})" if parts else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
