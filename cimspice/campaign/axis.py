"""One sweep axis: a list, or a linear or logarithmic range, to the values it stands for."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

LONGEST = 1_000_000  # values on one axis; a range that is longer is a slip of the pen
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]  # not text that looks like one


class Range(BaseModel):
    """``{start, stop, step}`` or ``{start, stop, num, scale = "linear" | "log"}``; both ends belong to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: _Number
    stop: _Number
    step: _Number | None = None
    num: StrictInt | None = Field(default=None, ge=1, le=LONGEST)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _consistent(self) -> Range:
        if (self.step is None) == (self.num is None):
            raise ValueError("give either step or num")
        if self.num == 1 and self.start != self.stop:
            raise ValueError("num = 1 needs start = stop")
        if self.num is not None and self.num > 1 and self.start == self.stop:
            raise ValueError("start = stop needs num = 1: the same value would be swept more than once")
        if self.scale == "log":
            if self.step is not None:
                raise ValueError("a log range takes num, not step")
            if self.start <= 0 or self.stop <= 0:
                raise ValueError("start and stop of a log range must be greater than 0")
        if self.step is not None:
            self._check_step(self.step)
        return self

    def _check_step(self, step: float) -> None:
        span = Decimal(repr(self.stop)) - Decimal(repr(self.start))
        if step == 0 or (span != 0 and (span > 0) != (step > 0)):
            raise ValueError(f"step {step:g} does not lead from start to stop")
        if abs(span / Decimal(repr(step))) >= LONGEST:
            raise ValueError(f"more than {LONGEST} values")

    def values(self) -> tuple[float, ...]:
        """The values, in decimal arithmetic: 0.40 + step 0.01 gives 0.41, not 0.41000000000000003.

        A range by step ends at the last value that does not pass ``stop``.
        """
        start, stop = Decimal(repr(self.start)), Decimal(repr(self.stop))
        if self.step is not None:
            step = Decimal(repr(self.step))
            return tuple(float(start + i * step) for i in range(int((stop - start) / step) + 1))
        last = (self.num or 1) - 1
        if last == 0:
            return (self.start,)
        if self.scale == "linear":
            inner = [float(start + (stop - start) * i / last) for i in range(1, last)]
        else:
            inner = [float(start * (stop / start) ** (Decimal(i) / last)) for i in range(1, last)]
        return (self.start, *inner, self.stop)


def axis_values(raw: object) -> tuple[Any, ...]:
    """Values of one axis as a file or a caller gives it: a list (or tuple, array) of scalars, or a table
    (`Range`).

    Raises
    ------
    ValueError
        If it is neither, is empty, is longer than a million, or holds a value twice (a point would be
        simulated twice). ``pydantic.ValidationError``, which is one, for a wrong range.
    """
    if isinstance(raw, dict):
        values = Range.model_validate(raw).values()
    elif isinstance(raw, list | tuple):
        values = tuple(raw)
    else:
        raise ValueError("an axis is a list or {start, stop, step | num}; one value belongs in [parameters]")
    if not values:
        raise ValueError("an axis needs at least one value")
    if len(values) > LONGEST:
        raise ValueError(f"more than {LONGEST} values")
    seen: set[tuple[bool, Any]] = set()
    for value in values:
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"{value!r} is not a number, a string or a boolean")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite number")
        key = (isinstance(value, bool), value)  # True == 1 in Python, not in a sweep
        if key in seen:
            raise ValueError(f"the value {value!r} stands on the axis twice")
        seen.add(key)
    return values
