"""The card of a family of circuits: all that its emulator computes with, part by part, as one JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from cimspice.documents import number_array
from cimspice.errors import CimspiceError, ParameterError
from cimspice.fit.model import type_name
from cimspice.fit.records import Finite, ParameterRecord, RangeRecord, Record, read_record, write_record
from cimspice.fit.repeats import MeanNoise
from cimspice.notebook import estimates, shown

SCHEMA = "cimspice.card/1"
REMEDY = "make the card anew: cimspice characterize FAMILY --card FILE"


def _all_finite(value: Any) -> Any:
    """The JSON value itself, whose numbers are all finite."""
    level = [value]
    while level:
        if any(isinstance(entry, float) and not math.isfinite(entry) for entry in level):
            raise ValueError("a number in it is not finite")
        parts = [entry.values() if isinstance(entry, dict) else entry for entry in level
                 if isinstance(entry, dict | list | tuple)]  # fmt: skip
        level = [part for entry in parts for part in entry]
    return value


Content = Annotated[dict[str, Any], AfterValidator(_all_finite)]


class CardConditions(Record):
    """Corner and temperature (°C) under which the whole card holds; null where unknown."""

    corner: Annotated[str, Field(min_length=1)] | None = None
    temperature: Annotated[Finite, Field(gt=-273.15)] | None = None


class Part(Record):
    """One part of a circuit."""

    origin: Literal["simulated", "measured", "assumed"]
    source: Content = Field(default_factory=dict)
    """``origin``, ``source``: where its numbers come from, and exactly: benches and digests, or a file's name
    and SHA-256."""
    range: dict[str, RangeRecord] = Field(default_factory=dict)
    """What the data cover of each input."""
    parameters: dict[str, ParameterRecord] = Field(default_factory=dict)
    """Its figures, with 95 % intervals, or null and the reason."""
    data: Annotated[Any, AfterValidator(_all_finite)] = None
    """What the emulator computes with (see :func:`encode`), or nothing."""
    noise: Annotated[Any, AfterValidator(_all_finite)] = None
    """How certain measured data are (a :class:`cimspice.fit.repeats.MeanNoise`, encoded), where that is
    known."""

    @model_validator(mode="after")
    def _says_why(self) -> Part:
        for name, seen in self.range.items():
            if seen.low > seen.high:
                raise ValueError(f"not a range of {name}: {seen.low} to {seen.high}")
        for name, parameter in self.parameters.items():
            if parameter.interval is None and not parameter.reason:
                raise ValueError(f"{name} has neither an interval nor a reason why it has none")
        return self


class Card(Record):
    """One family under one corner and temperature. ``provenance``: PDK, simulator, code, digests, circuit."""

    version: Literal["cimspice.card/1"] = Field(default=SCHEMA, alias="schema")
    family: str
    conditions: CardConditions = CardConditions()
    provenance: Content = Field(default_factory=dict)
    parts: dict[str, Part]

    @classmethod
    def load(cls, path: str | Path, family: str | None = None) -> Card:
        """Read and check a card, of this family if one is named.

        Raises
        ------
        ParameterError
            Naming the file, the field and the remedy.
        """
        card = read_record(cls, path, what="card", schema=("schema", SCHEMA))
        if family is not None and card.family != family:
            raise ParameterError(
                f"the card is of the family {card.family!r}, not {family!r}"[:200],
                place=str(path),
                remedy=f"give a card of {family}: cimspice characterize {family} --card FILE",
            )
        return card

    def save(self, path: str | Path) -> Path:
        """Write the card as JSON, whole or not at all.

        Raises
        ------
        CimspiceError
            If the file cannot be written (no space, no permission).
        """
        return write_record(self, path)

    def _repr_html_(self) -> str:
        rows = (
            {"part": name, "origin": part.origin, **row}
            for name, part in self.parts.items()
            for row in estimates(part.parameters)
        )
        return shown(f"Card of the {self.family}", self.conditions.model_dump(), rows)

    def uncounted(self, name: str) -> str:
        """Why the data of a part without covariance or noise have none."""
        origin = self.part(name).origin
        return {
            "simulated": "simulated once, without noise",
            "measured": "every point was read once: the noise is unknown",
            "assumed": "set, not measured",
        }[origin]

    def facts(self) -> dict[str, Any]:
        """All but the data and their noise."""
        return self.model_dump(mode="json", by_alias=True, exclude={"parts": {"__all__": {"data", "noise"}}})

    def part(self, name: str) -> Part:
        """The part of this name.

        Raises
        ------
        ParameterError
            If there is none.
        """
        if name not in self.parts:
            raise ParameterError(
                f"the card has no part {name!r}",
                place=f"card of {self.family}"[:80],
                remedy=f"it has {', '.join(self.parts) or 'none'}"[:200],
            )
        return self.parts[name]

    def replaced(self, name: str, part: Part) -> Card:
        """The card with another part in the place of the one of this name."""
        self.part(name)
        return self.model_copy(update={"parts": {**self.parts, name: part}})

    def decoded(self, name: str, kinds: Mapping[str, type]) -> Any:
        """What :func:`encode` made the data of a part from, with dataclasses of ``kinds`` only.

        Raises
        ------
        CimspiceError
            If there is no such part, or its data are something else.
        """
        return self._decoded(f"data of the part {name!r}", self.part(name).data, kinds)

    def noise(self, name: str) -> MeanNoise | None:
        """How certain the measured data of a part are; None where that is unknown.

        Raises
        ------
        CimspiceError
            If there is no such part, or its noise is something else.
        """
        place = f"noise of the part {name!r}"
        noise = self._decoded(place, self.part(name).noise, {MeanNoise.__name__: MeanNoise})
        if noise is None or isinstance(noise, MeanNoise):
            return noise
        raise ParameterError("not what belongs there", place=place[:80], remedy=REMEDY)

    def _decoded(self, place: str, value: Any, kinds: Mapping[str, type]) -> Any:
        place = place[:80]
        try:
            return decode(value, kinds)
        except CimspiceError as error:
            error.place = f"{place}: {error.place}" if error.place else place
            raise
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
            raise ParameterError(
                f"not what belongs there: {error!r}"[:300], place=place, remedy=REMEDY
            ) from None


def encode(value: Any) -> Any:
    """JSON form of numbers, words, arrays, tuples, mappings with any keys, and dataclasses of these."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__} | {
            entry.name: encode(getattr(value, entry.name)) for entry in fields(value)
        }
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, Mapping):
        return {"map": [[encode(key), encode(entry)] for key, entry in value.items()]}
    if isinstance(value, tuple | list):
        return {"tuple": [encode(entry) for entry in value]}
    return value.item() if isinstance(value, np.generic) else value


_ANNOTATED: dict[str, type | tuple[type, ...]] = {
    "float": (float, int),
    "int": int,
    "str": str,
    "bool": bool,
    "Array": np.ndarray,
    "ndarray": np.ndarray,
}


def decode(value: Any, kinds: Mapping[str, type]) -> Any:
    """The reverse of :func:`encode`: arrays are of floats, sequences are tuples.

    ValueError, TypeError, LookupError or CimspiceError if it is nothing that :func:`encode` makes, or of
    no dataclass in ``kinds``.
    """
    if not isinstance(value, dict):
        if isinstance(value, list):
            raise ValueError("a bare list")
        return value
    if "array" in value:
        return number_array(value["array"])
    if "map" in value:
        return {decode(key, kinds): decode(entry, kinds) for key, entry in value["map"]}
    if "tuple" in value:
        return tuple(decode(entry, kinds) for entry in value["tuple"])
    kind = kinds[value["kind"]]
    given = {name: decode(entry, kinds) for name, entry in value.items() if name != "kind"}
    for entry in fields(kind):
        expected = _ANNOTATED.get(type_name(entry))
        if expected is None or entry.name not in given:
            continue
        found = given[entry.name]
        if not isinstance(found, expected) or (isinstance(found, bool) and expected is not bool):
            raise ValueError(f"{entry.name} of {kind.__name__} is {found!r}"[:200])
    return kind(**given)
