"""`[[fit]]` of a campaign file: which model is fitted to which rows once the campaign has run."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, field_validator

from cimspice.bench import Bench
from cimspice.campaign.check import Problems

Scalar = StrictBool | StrictInt | FiniteFloat | str


class FitRequest(BaseModel):
    """One model, fitted once for each combination of values of the columns ``by``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    """Kind of model, as ``cimspice list models`` has it."""
    by: tuple[str, ...] = ()
    """Columns that distinguish fits."""
    where: dict[str, Scalar] = {}
    """Column -> value that the rows must have."""
    columns: dict[str, str] = {}
    """The model's column -> the table's, where they differ."""
    options: dict[str, Scalar | tuple[FiniteFloat, ...]] = {}
    """Of the model's fit, for example ``degree``; or a word that the table lacks, as ``polarity = "n"``."""

    @field_validator("by", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def groups(self, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
        """What the rows of each fit have in common, besides ``where``, in the table's order."""
        if not self.by:
            yield {}
            return
        for values in table[list(self.by)].drop_duplicates().itertuples(index=False, name=None):
            yield dict(zip(self.by, values, strict=True))


def check_fits(bench: Bench, given: Iterable[str], fits: Sequence[FitRequest], problems: Problems) -> None:
    """Columns that the fits name, against those the table will have."""
    known = (*dict.fromkeys([*given, "corner", "temperature", *bench.columns]),)
    for index, fit in enumerate(fits):
        named = (("by", fit.by), ("where", fit.where), ("columns", fit.columns.values()))
        for key, names in named:
            for name in names:
                if name not in known:
                    problems.add(
                        f"fit[{index}].{key}", name, f"no such column; the table has {', '.join(known)}"
                    )
