"""How ngspice reads numbers: in a deck and in a command differently, each off by a unit in the last place.

``1.2`` in a deck becomes 12 * 10^-1 = 1.2000000000000002, in ``alter`` 1 + 2 * 10^-1 = 1.2. One unit of a
supply's last place moves an inverter's output by 1e-12 where its gain is high. So what `Session.alter` sends
is a text that the command reads as the deck would have read the value: altered and fresh circuits are the
same to the last bit. (ngspice 39; a version that reads otherwise costs those 1e-12, nothing more.)
"""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

_TEXT = re.compile(r"(-?)(\d+)(?:\.(\d*))?(?:e([-+]?\d+))?\Z")


def _parts(text: str) -> tuple[float, str, str, int]:
    found = _TEXT.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a decimal number")
    sign, whole, fraction, exponent = found.groups()
    return -1.0 if sign else 1.0, whole, fraction or "", int(exponent or 0)


def _digits(text: str) -> float:
    value = 0.0
    for digit in text:
        value = 10.0 * value + int(digit)
    return value


def deck_reads(text: str) -> float:
    """What a number in a deck becomes (``INPevaluate``): all digits, then one power of ten."""
    sign, whole, fraction, exponent = _parts(text)
    return sign * _digits(whole + fraction) * math.pow(10.0, exponent - len(fraction))


def command_reads(text: str) -> float:
    """What a number in a command becomes (``ft_numparse``): whole, fraction and exponent apart."""
    sign, whole, fraction, exponent = _parts(text)
    value = _digits(whole) + _digits(fraction) * math.pow(10.0, -len(fraction))
    return sign * value * (math.pow(10.0, exponent) if exponent else 1.0)


@lru_cache(maxsize=1024)
def as_in_deck(value: float) -> str:
    """Text that a command reads as a deck reads ``value``; its own text if none of those tried does."""
    target = deck_reads(repr(float(value)))
    return next((text for text in _nearby(target) if command_reads(text) == target), repr(float(value)))


def _nearby(target: float) -> Iterator[str]:
    below = above = target
    for _ in range(6):
        for value in (below, above):
            yield repr(value)
            exact = Decimal(value)
            for shift in range(exact.adjusted() - 2, exact.adjusted() + 3):
                for places in (15, 16, 17):
                    yield f"{exact.scaleb(-shift):.{places}f}e{shift}"
        below, above = math.nextafter(below, -math.inf), math.nextafter(above, math.inf)
