"""A fitted model with its intervals, ranges and origin: one part of a card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from cimspice.documents import number_array
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card, CardConditions, Part
from cimspice.fit.fit import Fit
from cimspice.fit.model import Model, model_class, type_name, unflatten
from cimspice.fit.ranges import Range, Ranges
from cimspice.fit.records import Finite, ParameterRecord, RangeRecord, Record, write_record
from cimspice.fit.units import to_unit
from cimspice.notebook import estimates, shown

MODEL = "model"
"""Family of a card that holds a single model."""
SET = "set, not fitted"
ModelT = TypeVar("ModelT", bound=Model)
_RANGE_UNITS = ("V", "A", "s", "V/s", "S", "F", "ohm", "1", "degC")
_RANGE_KINDS = {
    "voltage": "V",
    "bias": "V",
    "discharge": "V",
    "difference": "V",
    "current": "A",
    "slope": "V/s",
}
"""Unit of a range, by the last word of its name."""
_TYPES: dict[str, tuple[type, ...]] = {"float": (int, float), "int": (int,), "str": (str,)}
"""What a setting may be, by the annotation of its field. Python counts true as a number; a card does not."""


class _NestedRecord(Record):
    """A model that is a setting of another."""

    kind: str
    fields: dict[str, Any]
    ranges: dict[str, RangeRecord]


class ResidualRecord(Record):
    """What the model leaves of the data: see :class:`cimspice.fit.fit.Residual`."""

    rms: Finite
    maximum: Finite
    unit: str
    percent: Finite
    full_scale: str
    observations: Annotated[int, Field(strict=True)]


class _Data(Record):
    """What a part holds of a model beside parameters and ranges."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)
    covariance: list[list[Finite | None]] | None = None
    degrees_of_freedom: Annotated[int, Field(strict=True, ge=0)] | None = None
    residual: ResidualRecord | None = None


_OF_PARTS = {"measured_file": "file", "measured_file_digest": "sha256"}
"""Provenance of a measured table -> its name in the source of a part."""


class ModelCard(_Data):
    """A model with everything needed to use, judge and reproduce it.

    ``settings`` are the model's unfitted fields (nested models as ``{"kind": ..., "fields": ..., "ranges":
    ...}``); ``covariance`` is in the order of ``parameters``, with null where the data determine nothing, and
    of the variance that ``degrees_of_freedom`` of the residuals give (null on cards of earlier versions);
    ``provenance`` holds digests, PDK, ngspice, corner, temperature as whoever made the table knew them.
    """

    parameters: dict[str, ParameterRecord]
    ranges: dict[str, RangeRecord] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    def _repr_html_(self) -> str:
        facts = (
            {"residual": f"{self.residual.percent:.3g} % rms of the {self.residual.full_scale}"}
            if self.residual
            else {}
        )
        return shown(f"Card of {self.kind}", facts | self.provenance, estimates(self.parameters))

    @classmethod
    def from_fit(cls, fit: Fit[Any], provenance: Mapping[str, Any] | None = None) -> ModelCard:
        """The card of a fit; ``provenance`` is added to the fit's own."""
        card = cls.from_model(fit.model, {**fit.provenance, **(provenance or {})})
        parameters = {name: ParameterRecord.of(estimate) for name, estimate in fit.estimates.items()}
        residual = ResidualRecord(
            **{name: getattr(fit.residual, name) for name in ResidualRecord.model_fields}
        )
        covariance = [[float(x) if np.isfinite(x) else None for x in row] for row in fit.covariance]
        return card.model_copy(
            update={
                "parameters": parameters,
                "residual": residual,
                "covariance": covariance,
                "degrees_of_freedom": max(fit.degrees_of_freedom, 0),
            }
        )

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the covariance: as the card says, else observations less parameters."""
        if self.degrees_of_freedom is not None:
            return self.degrees_of_freedom
        return max(self.residual.observations - len(self.parameters), 0) if self.residual else 0

    @classmethod
    def from_model(
        cls, model: Model, provenance: Mapping[str, Any] | None = None, reason: str = SET
    ) -> ModelCard:
        """The card of a model that was put together; ``reason``: why its parameters have no intervals."""
        return cls(
            kind=model.kind,
            parameters={
                name: ParameterRecord(value=value, unit=model.unit(name), reason=reason)
                for name, value in model.parameters().items()
            },
            settings={name: _encode(value, name) for name, value in model.settings().items()},
            ranges={
                name: RangeRecord(low=seen.low, high=seen.high, unit=seen.unit)
                for name, seen in model.ranges.items()
            },
            provenance=_encode(dict(provenance or {}), "provenance"),
        )

    def model(self) -> Model:
        """The model itself, with its ranges, so that it warns when used outside them.

        Raises
        ------
        ParameterError
            Unknown kind, or fields that do not fit it.
        """
        fields = {
            **{name: _decode(value) for name, value in self.settings.items()},
            **unflatten({name: record.value for name, record in self.parameters.items()}),
        }
        return _build(self.kind, fields, {name: seen.model_dump() for name, seen in self.ranges.items()})

    def model_of(self, expected: type[ModelT]) -> ModelT:
        """:meth:`model`, which must be of this class."""
        model = self.model()
        if not isinstance(model, expected):
            raise ParameterError(
                f"the card holds a {self.kind!r}, not a {expected.kind or expected.__name__!r}",
                remedy="load the card that belongs here",
            )
        return model

    def part(self) -> Part:
        """The model as a part of a card."""
        known = {_OF_PARTS.get(name, name): value for name, value in self.provenance.items()}
        return Part(
            origin=self.origin,
            source=known,
            range=self.ranges,
            parameters=self.parameters,
            data=self.model_dump(mode="json", include=set(_Data.model_fields)),
        )

    @property
    def origin(self) -> Literal["simulated", "measured", "assumed"]:
        """Of the numbers: fitted to a measured file, to a simulated table, or set."""
        if {"measured_file", "measured"} & self.provenance.keys():
            return "measured"
        return "simulated" if "table_digest" in self.provenance else "assumed"

    @classmethod
    def of_part(cls, part: Part) -> ModelCard:
        """The model that a part of a card holds.

        Raises
        ------
        ParameterError
            If it holds none, or fields that do not fit it.
        """
        names = {name: key for key, name in _OF_PARTS.items()}
        try:
            card = cls(
                **_Data.model_validate(part.data).model_dump(),
                parameters=part.parameters,
                ranges=part.range,
                provenance={names.get(name, name): value for name, value in part.source.items()},
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise ParameterError(
                f"data.{'.'.join(map(str, first['loc']))}: {first['msg']} (it is {str(first['input'])[:60]})"[
                    :300
                ],
                place="model of a card",
                remedy="correct the field or make the card anew",
            ) from None
        return card._in_si()

    def card(self) -> Card:
        """A card with this model alone."""
        known = {name: self.provenance.get(name) for name in ("corner", "temperature")}
        try:
            conditions = CardConditions.model_validate(known)
        except ValidationError:  # words of the user's own: they stay in the part's source
            conditions = CardConditions()
        return Card(family=MODEL, conditions=conditions, parts={self.kind: self.part()})

    @classmethod
    def of(cls, card: Card, expected: type[Model] | None = None) -> ModelCard:
        """The single model of a card, or that of this kind.

        Raises
        ------
        ParameterError
            If there is none, or it is wrong.
        """
        wanted = [
            part
            for part in card.parts.values()
            if len(card.parts) == 1
            or (expected and isinstance(part.data, dict) and part.data.get("kind") == expected.kind)
        ]
        if len(wanted) != 1:
            raise ParameterError(
                f"a card of {card.family} with the parts {', '.join(card.parts) or 'none'} is no card of "
                + (f"a {expected.kind!r}" if expected else "a single model"),
                remedy="load the card that belongs here",
            )
        return cls.of_part(wanted[0])

    def save(self, path: str | Path) -> Path:
        """Write :meth:`card` as JSON, whole or not at all.

        Raises
        ------
        CimspiceError
            If the file cannot be written (no space, no permission).
        """
        return write_record(self.card(), path, indent=2)

    @classmethod
    def load(cls, path: str | Path, expected: type[Model] | None = None) -> ModelCard:
        """Read and check a card of a single model, or the model of this kind in any card: schema, finite
        values, known kind, fields that fit the model.

        Raises
        ------
        ParameterError
            Naming the file, the field and the remedy.
        """
        card = Card.load(path)
        try:
            return cls.of(card, expected)
        except ParameterError as error:
            raise ParameterError(error.message, place=str(path), remedy=error.remedy) from None

    def _in_si(self) -> ModelCard:
        """The same in the units of the model.

        Raises
        ------
        ParameterError
                A unit of another kind, fields that do not make the model, a covariance of other parameters.
        """
        units = model_class(self.kind).parameter_units
        parameters, factors = {}, []
        for name, record in self.parameters.items():
            own = units.get(name.partition("[")[0], record.unit)
            factor = _factor(f"{name} of {self.kind}", record.unit or own, own)
            ends = None if record.interval is None else tuple(factor * end for end in record.interval)
            changes = {"value": factor * record.value, "interval": ends, "unit": own}
            parameters[name] = record if record.unit == own else record.model_copy(update=changes)
            factors.append(factor)
        ranges = {name: _range_in_si(name, seen) for name, seen in self.ranges.items()}
        card = self.model_copy(update={"parameters": parameters, "ranges": ranges})
        lacking = [name for name in card.model().parameters() if name not in parameters]
        twice = {name.partition("[")[0] for name in parameters} & {*self.settings}
        if lacking or twice:
            wrong = f"lacks the parameter {lacking[0]!r}" if lacking else f"has {twice.pop()!r} twice"
            raise ParameterError(
                f"the card of a {self.kind} {wrong}",
                remedy="write each under 'parameters' with its value and unit, and only there",
            )
        if self.covariance is None:
            return card
        if [len(row) for row in self.covariance] != [len(factors)] * len(factors):
            raise ParameterError(
                f"the covariance is not one of {len(factors)} parameters",
                remedy="make the card anew from its fit",
            )
        covariance = [
            [
                None if entry is None else entry * one * other
                for entry, other in zip(row, factors, strict=True)
            ]
            for row, one in zip(self.covariance, factors, strict=True)
        ]
        return card.model_copy(update={"covariance": covariance})

    def check_conditions(self, **wanted: str | float) -> None:
        """Refuse a card of another device, corner or temperature (°C); what it does not say is not compared.

        A card of a measured file is of the user's own device.

        Raises
        ------
        ParameterError
            Naming both.
        """
        for name, value in wanted.items():
            own = self.provenance.get(name)
            if own is None or own == value or (name == "device" and "measured_file" in self.provenance):
                continue
            raise ParameterError(
                f"the card is of {name} {own!r}, not {value!r}",
                place="card",
                remedy=f"fit it at {name} {value!r}, or ask for {name} {own!r}",
            )


def _encode(value: Any, name: str) -> Any:
    """JSON form of a setting: numbers, words, sequences, mappings, arrays and nested models."""
    if isinstance(value, Model):
        return {
            "kind": value.kind,
            "fields": {key: _encode(part, key) for key, part in value._fields()},
            "ranges": {
                key: {"low": r.low, "high": r.high, "unit": r.unit} for key, r in value.ranges.items()
            },
        }
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _encode(part, str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(part, name) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(
            f"{name} is not finite: {value}", remedy="a model card holds finite numbers only"
        )
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ParameterError(f"{name} of type {type(value).__name__} cannot stand on a model card")


def _decode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"a setting is {value}", remedy="a model card holds finite numbers only")
    if isinstance(value, dict):
        if set(value) == {"kind", "fields", "ranges"}:
            try:
                nested = _NestedRecord.model_validate(value)
            except ValidationError as error:
                raise ParameterError(f"a model inside the card: {error.errors()[0]['msg']}") from None
            fields = {key: _decode(part) for key, part in nested.fields.items()}
            ranges = {name: _range_in_si(name, seen).model_dump() for name, seen in nested.ranges.items()}
            return _build(nested.kind, fields, ranges)
        return {key: _decode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_decode(part) for part in value]
    return value


def _factor(name: str, unit: str, own: str) -> float:
    scale = to_unit(unit, own)
    if scale is None:
        raise ParameterError(f"{name} is in {unit!r}", remedy=f"give it in {own or 'no unit'}")
    return scale[0]


def _range_in_si(name: str, seen: RangeRecord) -> RangeRecord:
    own = _RANGE_KINDS.get(name.rpartition("_")[2]) or next(
        (own for own in _RANGE_UNITS if seen.unit and to_unit(seen.unit, own)), seen.unit
    )
    factor = _factor(f"the range of {name}", seen.unit or own, own)
    if seen.unit and own == seen.unit and own not in _RANGE_UNITS:
        raise ParameterError(f"the range of {name} is in {seen.unit!r}", remedy="give it in SI units")
    return RangeRecord(low=factor * seen.low, high=factor * seen.high, unit=own)


def _check_type(name: str, value: Any, annotation: str) -> None:
    """ParameterError for true or text where a number belongs, and a number where text does."""
    allowed = _TYPES.get(annotation)
    if allowed and (isinstance(value, bool) or not isinstance(value, allowed)):
        raise ParameterError(f"{name} is {value!r}"[:200], remedy=f"give a {annotation}")
    if annotation == "ndarray" and not isinstance(value, np.ndarray):
        try:
            number_array(value)
        except ValueError as error:
            raise ParameterError(f"{name}: {error}", remedy="give an array of numbers") from None


def _build(kind: str, fields: Mapping[str, Any], ranges: Mapping[str, Mapping[str, Any]]) -> Model:
    model = model_class(kind)
    for entry in dataclass_fields(model):
        if entry.name in fields:
            _check_type(f"{entry.name} of {kind}", fields[entry.name], type_name(entry))
    try:
        return model(**fields, ranges=Ranges({name: Range(**seen) for name, seen in ranges.items()}))
    except ParameterError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(
            f"the fields do not make a {kind!r}: {error}", remedy="make the card anew from its fit"
        ) from None
