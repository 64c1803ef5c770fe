"""`[[figure]]` of a campaign file: a line figure of its table."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cimspice.bench import Bench
from cimspice.campaign.check import Problems, near


class Figure(BaseModel):
    """``[[figure]]``: one line figure of the result table; ``x``, ``y`` and ``by`` name its columns.

    Several ``y`` of one unit share a panel; those of other units get panels below.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    x: str
    y: tuple[str, ...] = Field(min_length=1)
    by: tuple[str, ...] = ()
    log: tuple[Literal["x", "y"], ...] = ()
    title: str = ""
    name: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="file name, without ending")

    @field_validator("y", "by", "log", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


def check_figures(bench: Bench, given: Iterable[str], figures: Sequence[Figure], problems: Problems) -> None:
    """Columns that the figures name, against those the table will have."""
    columns = (*dict.fromkeys([*given, "corner", "temperature", *bench.columns]),)
    for index, figure in enumerate(figures):
        for key, name in (("x", figure.x), *(("y", y) for y in figure.y), *(("by", by) for by in figure.by)):
            if name not in columns:
                problems.add(
                    f"figure[{index}].{key}",
                    name,
                    f"no such column{near(name, columns)}; the table has {', '.join(columns)}",
                )
