"""A deck: device models, circuit and conditions joined, after refusing what ngspice would misread."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol

from cimspice.errors import BadParameter
from cimspice.spice.analysis import number
from cimspice.spice.lint import (
    as_ngspice_reads,
    check_models,
    check_netlist,
    computed_resistors,
    models_age,
    top_parameters,
)
from cimspice.spice.multipliers import check_multipliers, multiplied
from cimspice.spice.options import SolverOptions
from cimspice.spice.topology import has_node

if TYPE_CHECKING:
    from cimspice.pdk import Pdk

_SKY130 = re.compile(r"\bsky130_fd_pr__\w+", re.IGNORECASE)


class HasText(Protocol):
    """What a session needs of a netlist: its text, the first line a ``* title``."""

    @property
    def text(self) -> str: ...


class Models(Protocol):
    """What a session needs of device models, as made by `cimspice.pdk.slice_models`."""

    @property
    def text(self) -> str: ...
    @property
    def corner(self) -> str: ...
    @property
    def corner_parameters(self) -> Mapping[str, Mapping[str, float]]: ...


@dataclass(frozen=True)
class PlainModels:
    """Device models given as text, for the corner said: there are no others to switch to. A circuit without
    device models is the same at every corner.
    """

    text: str
    corner: str
    corner_parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Deck:
    """What ngspice reads, line by line, without an analysis and without ``.end``.

    Attributes
    ----------
    lines
        The deck; the first line is its title.
    parameters
        Names that `Session.alter_parameters` may change.
    corners
        Corner -> parameter -> value: the corners that a session can switch to.
    corner
        The corner whose values the lines hold.
    computed_resistors
        Whether a resistor's value is an expression.
    ages
        Whether its devices may change with every run: see `cimspice.spice.lint.models_age`.
    """

    lines: tuple[str, ...]
    parameters: frozenset[str]
    corners: Mapping[str, Mapping[str, float]]
    corner: str
    computed_resistors: bool = False
    ages: bool = False

    @cached_property
    def axis_nodes(self) -> frozenset[str]:
        """Nodes that have the name of an analysis's axis."""
        return frozenset(name for name in ("v-sweep", "time", "frequency") if has_node(self.lines, name))


def device_models(text: str, models: str | Models | None, corner: str, flat: bool) -> tuple[str, Models]:
    """The netlist and its models: those given, else the PDK's slice if it uses PDK devices, else none.

    Returns
    -------
    tuple
        The netlist's text, rewritten if ``flat``, and the models.
    """
    if isinstance(models, str):
        return text, PlainModels(models, corner)
    if models is not None:
        return text, models
    # Imported here: a netlist without PDK devices needs no PDK.
    from cimspice.pdk import CORNERS, locate
    from cimspice.pdk.model_slice import check_corner

    if not _SKY130.search(text):
        check_corner(corner)
        return text, PlainModels("", corner, {each: {} for each in CORNERS})
    return _sliced(text, corner, flat, locate())


@lru_cache(maxsize=64)
def _sliced(text: str, corner: str, flat: bool, pdk: Pdk) -> tuple[str, Models]:
    """The PDK's models for a netlist; the installation, with its content, belongs to the key."""
    from cimspice.pdk import flatten_models, slice_models

    return flatten_models(text, pdk, corner) if flat else (text, slice_models(text, pdk, corner))


def compose(
    netlist: HasText,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    options: SolverOptions | None = None,
    models: str | Models | None = None,
    flat: bool = False,
) -> Deck:
    """Join title, options, temperature, models and circuit.

    Parameters
    ----------
    netlist
        Anything with ``.text``: circuit elements only, the first line a title.
    corner
        Process corner, for PDK devices.
    temperature
        Degrees Celsius.
    options
        Solver options.
    models
        Device models (text or slice) instead of the PDK's.
    flat
        One top-level model per geometry instead of the PDK's subcircuits.

    Raises
    ------
    BadParameter, MissingModel
        If the netlist holds what ngspice would misread or execute.
    """
    if not math.isfinite(temperature) or not -200 < temperature < 500:
        raise BadParameter(
            f"temperature = {temperature!r} is out of -200 to 500 degrees Celsius",
            place="temperature",
            remedy="give degrees Celsius",
        )
    text, chosen = device_models(netlist.text, models, corner, flat)
    check_netlist(text, chosen.text)
    check_models(chosen.text)
    check_multipliers(text, chosen.text)
    title, _, circuit = text.partition("\n")
    circuit = as_ngspice_reads(circuit, chosen.text)
    head = ["* " + title.lstrip("* \t"), f".temp {number(temperature)}"]
    card = (options or SolverOptions()).card
    parts = [*head, *([card] if card else []), *chosen.text.splitlines(), *circuit.splitlines()]
    lines = multiplied(tuple(line for line in parts if line.strip() and not line.lstrip().startswith("*")))
    names = top_parameters(text) | top_parameters(chosen.text)
    computed, ages = computed_resistors(text), models_age(chosen.text) or models_age(text)
    return Deck(
        (head[0], *multiplied(lines)),
        frozenset(names),
        chosen.corner_parameters,
        chosen.corner,
        computed,
        ages,
    )
