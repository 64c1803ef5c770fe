"""What cards are made of: a figure with its interval, a range, and JSON files of these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cimspice.documents import parse_json
from cimspice.errors import ParameterError
from cimspice.files import read_plain, write_atomically
from cimspice.fit.fit import Estimate

LARGEST_CARD = 256 << 20  # bytes
RecordT = TypeVar("RecordT", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Record(BaseModel):
    """A frozen record that takes no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ParameterRecord(Record):
    """A fitted number. ``interval`` (95 %) is null where the data give none; ``reason`` says why then.

    An empty unit is the model's own, in SI.
    """

    value: Finite
    unit: str = ""
    interval: tuple[Finite, Finite] | None = None
    identifiable: Annotated[bool, Field(strict=True)] = True
    reason: str = ""

    @model_validator(mode="after")
    def _holds_its_value(self) -> ParameterRecord:
        if self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]:
            raise ValueError(f"the interval {self.interval} does not hold the value {self.value}")
        return self

    @classmethod
    def of(cls, estimate: Estimate) -> ParameterRecord:
        """The record of a fitted number."""
        known = bool(np.isfinite(estimate.interval).all())
        return cls(
            value=estimate.value,
            unit=estimate.unit,
            interval=estimate.interval if known else None,
            identifiable=estimate.identifiable,
            reason=estimate.reason or ("" if known else "the data determine no interval"),
        )


class RangeRecord(Record):
    """What the fit saw of an input."""

    low: Finite
    high: Finite
    unit: str = ""


def write_record(record: BaseModel, path: str | Path, indent: int | None = None) -> Path:
    """Write a record as JSON, whole or not at all.

    CimspiceError if the file cannot be written (no space, no permission).
    """
    content = record.model_dump(mode="json", by_alias=True)
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    # the name of a measured file may hold a lone surrogate: its escape is JSON's
    return write_atomically(
        Path(path), lambda file: file.write_bytes(text.encode("utf-8", "backslashreplace"))
    )


def read_record(
    kind: type[RecordT],
    path: str | Path,
    *,
    what: str,
    schema: tuple[str, object],
) -> RecordT:
    """Read a JSON file of one of these records; ``schema`` is the key and the value that it must have.

    ParameterError, naming the file, the field and the remedy.
    """
    place, (key, version) = str(path), schema
    try:
        content = parse_json(read_plain(path, LARGEST_CARD))
    except OSError as error:
        raise ParameterError(
            f"cannot read the {what}: {error.strerror}",
            place=place,
            remedy="give the path of a card, a JSON file",
        ) from None
    except ValueError as error:
        raise ParameterError(
            f"not a {what}: {error}", place=place, remedy="make it anew from its fit"
        ) from None
    found = content.get(key) if isinstance(content, dict) else None
    if type(found) is not type(version) or found != version:
        raise ParameterError(
            f"not a {what}: {key} is {found!r}; this version of cimspice reads {version!r}"[:300],
            place=place,
            remedy="make the card anew, or use the version of cimspice that wrote it",
        )
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))[:200]
        raise ParameterError(
            f"{field}: {first['msg']} (it is {str(first['input'])[:60]})",
            place=place,
            remedy="correct the field or make the card anew",
        ) from None
