"""A deck: device models, circuit and conditions joined to what ngspice reads, after refusing what it would misread."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cimspice.errors import BadParameter
from cimspice.spice.analysis import number
from cimspice.spice.lint import check_netlist, computed_resistors, top_parameters
from cimspice.spice.options import SolverOptions

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
    def corner_parameters(self) -> Mapping[str, Mapping[str, float]]: ...


@dataclass(frozen=True)
class PlainModels:
    """Device models given as text: no corners to switch."""

    text: str
    corner_parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Deck:
    """What ngspice reads, line by line, without an analysis and without ``.end``.

    ``parameters`` are the names that `Session.alter_parameters` may change; ``corners`` the corners it can switch to.
    """

    lines: tuple[str, ...]
    parameters: frozenset[str]
    corners: Mapping[str, Mapping[str, float]]
    corner: str
    computed_resistors: bool = False


def device_models(netlist: HasText, models: str | Models | None, corner: str, flat: bool) -> Models:
    """The models of a netlist: those given, else the PDK's slice if the netlist uses its devices, else none."""
    if isinstance(models, str):
        return PlainModels(models)
    if models is not None:
        return models
    if not _SKY130.search(netlist.text):
        return PlainModels("")
    # Imported here: a netlist without PDK devices needs no PDK.
    from cimspice import pdk

    return (
        pdk.slice_models(netlist.text, corner=corner, flat=True)
        if flat
        else pdk.slice_models(netlist.text, corner=corner)
    )


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
    chosen = device_models(netlist, models, corner, flat)
    title, _, circuit = netlist.text.partition("\n")
    check_netlist(netlist.text, chosen.text)
    head = ["* " + title.lstrip("* \t"), f".temp {number(temperature)}"]
    card = (options or SolverOptions()).card
    parts = [*head, *([card] if card else []), *chosen.text.splitlines(), *circuit.splitlines()]
    lines = tuple(line for line in parts if line.strip() and not line.lstrip().startswith("*"))
    names = top_parameters(netlist.text) | top_parameters(chosen.text)
    computed = computed_resistors(netlist.text)
    return Deck((head[0], *lines), frozenset(names), chosen.corner_parameters, corner, computed)
