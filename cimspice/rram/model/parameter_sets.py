"""Parameter sets of device models: ``pdk/<family>/<model>.toml``, one file that netlist and numpy both read.

A file names its source, the licence of the facts taken from it, each parameter with unit and bounds, and the
ranges of the inputs that the set is meant for.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from numbers import Real
from types import MappingProxyType

from cimspice.errors import ParameterError
from cimspice.resources import data_directory


@dataclass(frozen=True)
class Parameter:
    """One number of a set: ``value`` in ``unit`` (SI), physically meaningful from ``low`` to ``high``."""

    value: float
    unit: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class InputRange:
    """From where to where an input is meant to go; temperatures in °C."""

    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Forming:
    """At which voltages (V) and width (s) pristine cells were formed: the mean, lowest and highest."""

    voltage: float
    lowest: float
    highest: float
    width: float
    source: str


@dataclass(frozen=True)
class ParameterSet:
    """A model's published numbers."""

    model: str
    title: str
    """``model``, ``title``: name of the model and what the set describes."""
    equations: str
    source: str
    licence: str
    """``equations``, ``source``, ``licence``: where the equations and the numbers were published, and under
    which terms."""
    parameters: Mapping[str, Parameter]
    """Name -> :class:`Parameter`."""
    ranges: Mapping[str, InputRange]
    """Name of an input -> :class:`InputRange`."""
    forming: Forming | None = None
    """:class:`Forming`, where it was published."""

    def values(self, changes: Mapping[str, float] | None = None) -> dict[str, float]:
        """All numbers by name, some of them changed.

        ParameterError for a name that the set does not have, and for a value that is not finite or out of its
        bounds.
        """
        values = {name: parameter.value for name, parameter in self.parameters.items()}
        for name, value in (changes or {}).items():
            self._check(name, value)
            values[name] = float(value)
        return values

    def _check(self, name: str, value: float) -> None:
        place = f"parameters of {self.model}"
        known = self.parameters.get(name)
        if known is None:
            near = get_close_matches(name, self.parameters, n=1)
            raise ParameterError(
                f"{self.model} has no parameter {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                place=place,
                remedy=f"it has {', '.join(self.parameters)}",
            )
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ParameterError(f"{name} is {value!r}", place=place, remedy=f"give a number in {known.unit}")
        if not math.isfinite(value) or not known.low <= value <= known.high:
            raise ParameterError(
                f"{name} = {value:g} {known.unit} is out of {known.low:g} to {known.high:g} {known.unit}",
                place=place,
                remedy=f"{name} is the {known.meaning}",
            )


def parameter_sets(family: str) -> tuple[str, ...]:
    """Names of the sets of a family (``"rram"``), sorted."""
    return tuple(sorted(path.stem for path in (data_directory("pdk") / family).glob("*.toml")))


@lru_cache(maxsize=64)
def parameter_set(family: str, name: str) -> ParameterSet:
    """The set ``pdk/<family>/<name>.toml``.

    ParameterError if there is none (the message names those that there are), or if the file contradicts
    itself.
    """
    known = parameter_sets(family)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise ParameterError(
            f"unknown {family} model {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
            remedy=f"known are {', '.join(known) or 'none'}",
        )
    path = data_directory("pdk") / family / f"{name}.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    parameters = {key: Parameter(**entry) for key, entry in content["parameters"].items()}
    ranges = {key: InputRange(**entry) for key, entry in content["ranges"].items()}
    made = ParameterSet(
        **content["set"],
        parameters=MappingProxyType(parameters),
        ranges=MappingProxyType(ranges),
        forming=Forming(**content["forming"]) if "forming" in content else None,
    )
    made.values({key: parameter.value for key, parameter in parameters.items()})
    return made
