"""JSON and TOML from others: what would cost a parser, or the code behind it, minutes or its stack is
refused.
"""

import json
import re
import tomllib
from typing import Any

import numpy as np

DEEPEST = 48
"""Most levels of nesting. What comes after the parser (copying, checking, writing) is recursive."""

LARGEST_INTEGER = 2**63
"""Larger integers are no 64-bit ones; Python would keep them, and then fail to print or convert them."""

_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{DEEPEST}}}")


def parse_json(content: str | bytes) -> Any:
    """Value of a JSON text (UTF-8 if bytes). NaN and Infinity are read as such: whoever uses them refuses.

    ValueError if it is not JSON, has a key twice in one object, nests deeper than :data:`DEEPEST`, or holds
    an integer of more than 64 bits.
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise _too_deep() from None
    check_value(value)
    return value


def parse_toml(content: str | bytes) -> dict[str, Any]:
    """Table of a TOML text (UTF-8 if bytes). ValueError as :func:`parse_json`."""
    text = content if isinstance(content, str) else content.decode("utf-8")
    if _LONG_KEY.search(text):  # the parser's time goes with the square of a dotted key's length
        raise _too_deep()
    try:
        value = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    check_value(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that stands twice, JSON does not say which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for k, (key, _) in enumerate(pairs) if key in dict(pairs[:k]))
        raise ValueError(f"the key {twice[:80]!r} stands twice")
    return found


def number_array(value: Any) -> np.ndarray:
    """An array of finite numbers from (nested) lists of them; true and text are no numbers.

    ValueError if it is not.
    """
    level = [value]
    while any(isinstance(entry, list | tuple) for entry in level):
        level = [part for entry in level for part in (entry if isinstance(entry, list | tuple) else [entry])]
    if not set(map(type, level)) <= {int, float}:
        wrong = next(entry for entry in level if type(entry) not in (int, float))
        raise ValueError(f"{wrong!r}"[:80] + " is not a number")
    array = np.array(value, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError("a number is not finite")
    return array


def check_value(value: Any) -> None:
    """ValueError if lists and tables nest too deeply or an integer is too large."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                inner += entry.values()
            elif isinstance(entry, list):
                inner += entry
            elif isinstance(entry, int) and not -LARGEST_INTEGER <= entry < LARGEST_INTEGER:
                raise ValueError("an integer does not fit 64 bits")
        if not inner:
            return
        level = inner
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it nests deeper than {DEEPEST} levels")
