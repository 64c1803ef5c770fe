"""Columns and values in words: names without underscores, units with the SI prefix that suits."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_PREFIXED = ("V", "A", "s", "F", "C", "W", "J", "S", "Hz", "Ohm", "ohm", "Ω", "m", "V/s")
_LONGEST = 80  # characters of a value that is a list or a table


def words(column: str) -> str:
    """``drain_current`` as ``drain current``."""
    return re.sub(r"_+", " ", str(column)).strip() or str(column)


def plain_unit(unit: str) -> str:
    """The unit as written behind a number: none for a pure number."""
    return "" if unit == "1" else unit


def takes_prefix(unit: str) -> bool:
    """Whether values in this unit are written with SI prefixes: V and Hz, not °C or a pure number."""
    return unit in _PREFIXED


def exponent(values: Iterable[float], unit: str) -> int:
    """Power of ten of the SI prefix that suits the largest of the values; 0 for units that take none."""
    array = np.abs(np.asarray(values if hasattr(values, "__array__") else list(values), dtype=float))
    array = array[np.isfinite(array) & (array > 0)]
    if not takes_prefix(unit) or not array.size or 0.1 <= array.max() < 1:
        return 0
    power = 3 * math.floor(math.log10(float(array.max())) / 3 + 1e-9)
    return min(max(power, min(PREFIXES)), max(PREFIXES))


def axis_label(column: str, unit: str, power: int = 0) -> str:
    """``drain current (µA)``."""
    shown = plain_unit(unit)
    return f"{words(column)} ({PREFIXES[power]}{shown})" if shown else words(column)


def quantity(value: Any, unit: str = "", digits: int = 4) -> str:
    """A value with its unit: ``12.3 µA``; words, lists and tables as they are, cut where they are long."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return str(value)
        power = exponent([value], unit)
        return f"{value * 10.0**-power:.{digits}g} {PREFIXES[power]}{plain_unit(unit)}".rstrip()
    return cut(value if isinstance(value, str) else compact(value))


def compact(value: Any) -> str:
    """Lists and tables as JSON on one line."""
    return json.dumps(
        value, ensure_ascii=False, default=lambda odd: odd.tolist() if hasattr(odd, "tolist") else str(odd)
    )


def cut(text: str, longest: int = _LONGEST) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
