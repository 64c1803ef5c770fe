"""Under which corner and temperature a model was characterised, so that models do not mix unnoticed."""

from collections.abc import Mapping
from typing import Any

from cimspice.arrays import checked_number
from cimspice.errors import ParameterError

NAMES = ("corner", "temperature")


def check_known(model: Any, place: str) -> None:
    """Whether a model's ``corner`` is text and its ``temperature`` a number (°C), where they are known."""
    if model.corner is not None and not (isinstance(model.corner, str) and model.corner):
        raise ParameterError(f"corner is {model.corner!r}"[:80], place=place, remedy="give its name, or None")
    if model.temperature is not None:
        checked_number("temperature", model.temperature, above=-273.15, place=place)


def check_alike(models: Mapping[str, Any], place: str) -> None:
    """Whether what has a ``corner`` and a ``temperature`` agrees on both; None and absent ones fit all.

    ParameterError if two differ.
    """
    for name in NAMES:
        known = {title: getattr(model, name, None) for title, model in models.items()}
        known = {title: value for title, value in known.items() if value is not None}
        first = next(iter(known.values()), None)
        if any(value != first for value in known.values()):
            raise ParameterError(
                f"models of different {name}s: "
                + ", ".join(f"{title} {value}" for title, value in known.items()),
                place=place,
                remedy="characterise all of them under one corner and temperature",
            )
