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
    logical_lines,
    models_age,
    name_value_pairs,
    top_parameters,
)
from cimspice.spice.options import SolverOptions
from cimspice.spice.topology import has_node

if TYPE_CHECKING:
    from cimspice.pdk import Pdk


_GIVEN = re.compile(r"^[ \t]*x[^\n]*(?:\n[ \t]*\+[^\n]*)*?\sm\s*=", re.I | re.M)
_CURRENT = re.compile(r"[fhstouw]|b.*\bi\s*=|[a-z].*\bi\s*\(", re.I)


def multiplied(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The deck's lines with ``m=1`` on every X line without ``m``, if any has one: ngspice hands ``m`` of a
    subcircuit on only to X lines inside it that have an ``m`` of their own or stand further down.
    """
    if not _GIVEN.search("\n".join(lines)):
        return lines
    found: list[str] = []
    statement: list[str] = []
    for line, following in zip(lines, (*lines[1:], ""), strict=True):
        found.append(line)
        statement.append(line)
        if following.lstrip()[:1] == "+":
            continue
        if statement[0].lstrip()[0] in "xX":
            pairs = name_value_pairs(logical_lines("\n".join(("*", *statement)))[1])[1]
            found += [] if "m" in pairs else ["+ m=1"]
        statement = []
    return tuple(found)


@lru_cache(maxsize=64)
def check_multipliers(text: str, models: str) -> None:
    """Refuse ``m`` of a subcircuit with elements that it gets wrong: ngspice multiplies neither switches nor
    the currents of B-sources, and what an element reads of another's current is already multiplied.
    """
    if not _GIVEN.search(text):
        return
    wrong: dict[str, str] = {}
    uses: list[tuple[str, str, str]] = []
    inside = [""]
    for line in logical_lines("*\n" + models + "\n" + text):
        words = line.lower().split()
        if words[0] in (".subckt", ".macro"):
            inside.append(words[1])
        elif words[0] in (".ends", ".eom"):
            inside = inside[:-1] or [""]
        elif words[0][0] == "x":
            uses.append((inside[-1], name_value_pairs(line.lower())[0][-1], line))
        elif _CURRENT.match(line):
            wrong.setdefault(inside[-1], line)
    for _ in uses:
        outer = {user: wrong[used] for user, used, _ in uses if used in wrong}
        if outer.keys() <= wrong.keys():
            break
        wrong = outer | wrong
    for _, used, line in uses:
        if used in wrong and name_value_pairs(line)[1].get("m", "1") != "1":
            raise BadParameter(
                f"m of the subcircuit would be wrong for its line {wrong[used]!r}",
                netlist_line=line,
                place="netlist",
                remedy="write the instances out, one line each",
            )


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
    """What ngspice reads, line by line, without an analysis and without ``.end``."""

    lines: tuple[str, ...]
    """The deck; the first line is its title."""
    parameters: frozenset[str]
    """Names that `Session.alter_parameters` may change."""
    corners: Mapping[str, Mapping[str, float]]
    """Corner -> parameter -> value: the corners that a session can switch to."""
    corner: str
    """The corner whose values the lines hold."""
    computed_resistors: bool = False
    """Whether a resistor's value is an expression."""
    ages: bool = False
    """Whether its devices may change with every run: see `cimspice.spice.lint.models_age`."""

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

    BadParameter or MissingModel if the netlist holds what ngspice would misread or execute.

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
