"""A bench: what is done to a circuit (template, parameters, analysis) and what is measured on it.

The campaign runs benches; a model is fitted to their tables. A bench knows nothing of sweeps or workers.
"""

from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from cimspice.bench.notebook import as_module, typed
from cimspice.errors import ParameterError
from cimspice.families import import_room
from cimspice.netlist import Netlist, NetlistParameters, render

if TYPE_CHECKING:
    import pandas as pd

    from cimspice.spice import Analysis, SolverOptions, Waveforms

_REQUIRED = ("name", "title", "Parameters", "columns")


class Bench(ABC):
    """One circuit, one analysis, one measurement. Instances carry no state.

    Class attributes
    ----------------
    name, title
        How it is asked for (``bench(name)``), and one line that says what is measured.
    template
        Netlist template, for example ``"bench/transistor"``. A bench with its own :meth:`netlist` may leave
        it out.
    Parameters
        Parameter model of the template; fields carry units and bounds.
    columns
        Measured column -> unit (SI; ``""`` where there is none). :meth:`measure` returns exactly these. A
        measured column of the same name as a parameter takes its place in the table.
    altered
        Parameter -> independent source whose value it is, for example ``{"gate_bias": "vgate"}``; it needs a
        default. Points that differ only in these share one loaded circuit, its sources altered, where the
        netlist bears this out (``cimspice.campaign.alterations``); others are loaded one by one.
    solver
        Solver options of all points, where ngspice's own do not suffice.
    flat
        Whether PDK devices become one top-level model per geometry: much quicker for large transients.
    files
        Data that it reads under names that its code does not hold: paths from its module's folder (a file, a
        folder, or a pattern with ``*``). Points are run again once their content changes.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    template: ClassVar[str] = ""
    Parameters: ClassVar[type[NetlistParameters]]
    columns: ClassVar[dict[str, str]]
    altered: ClassVar[dict[str, str]] = {}
    solver: ClassVar[SolverOptions | None] = None
    flat: ClassVar[bool] = False
    files: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.isabstract(cls) or not all(hasattr(cls, name) for name in _REQUIRED):
            return
        fields = cls.Parameters.model_fields
        taken = sorted({"corner", "temperature", "corners", "temperatures", "zip"} & {*fields, *cls.columns})
        if taken:
            raise ParameterError(
                f"{taken[0]!r} of bench {cls.name!r} is a name that campaigns use themselves",
                place=f"{cls.__module__}.{cls.__qualname__}",
                remedy="choose another name; corner and temperature are conditions of every point",
            )
        for parameter in cls.altered:
            if parameter not in fields or fields[parameter].is_required():
                raise ParameterError(
                    f"altered parameter {parameter!r} of bench {cls.name!r} needs a default",
                    place=f"{cls.__module__}.{cls.__qualname__}",
                    remedy="give the field a default: the circuit is loaded once with that value",
                )

    def netlist(self, parameters: NetlistParameters) -> Netlist:
        """The circuit for these parameters; by default the bench's template rendered with them."""
        return render(self.template, parameters)

    @abstractmethod
    def analysis(self, parameters: NetlistParameters) -> Analysis:
        """The one analysis of a point, with the vectors it saves."""

    def options(self, parameters: NetlistParameters) -> SolverOptions:
        """Solver options of a point; by default the bench's, or ngspice's own."""
        from cimspice.spice import SolverOptions

        return self.solver or SolverOptions()

    @abstractmethod
    def measure(self, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
        """Rows measured on one point's waveforms: a frame with the declared columns, one row or more.

        What the simulator refused never comes here. Raise ``SimulationError`` if the waveforms lack what is
        measured (no crossing, for example) and a row of NaN would hide it.
        """


_registry: dict[str, type[Bench]] = {}


def register(cls: type[Bench]) -> type[Bench]:
    """Class decorator that makes a bench known by its name. Names are unique."""
    missing = [name for name in _REQUIRED if not hasattr(cls, name)]
    place = f"{cls.__module__}.{cls.__qualname__}"
    if missing or inspect.isabstract(cls):
        lacks = missing or sorted(cls.__abstractmethods__)
        raise ParameterError(f"bench {cls.__qualname__} lacks {', '.join(lacks)}", place=place)
    known = _registry.get(cls.name)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ParameterError(
            f"bench name {cls.name!r} is taken by {known.__module__}.{known.__qualname__}",
            place=place,
            remedy="give it another name",
        )
    _registry[cls.name] = cls
    return cls


def _discover() -> None:
    """Import our benches and those of every family, so that what they register is known."""
    for name in ("inverter", "transistor"):
        importlib.import_module(f"cimspice.bench.{name}")
    import_room("circuit")


def benches() -> list[Bench]:
    """All known benches, by name: those of cimspice and those registered by the user's own modules."""
    _discover()
    return [_registry[name]() for name in sorted(_registry)]


def bench(name: str) -> Bench:
    """The bench of this name.

    Raises
    ------
    ParameterError
        If there is none, which names the nearest one; if it was typed into a notebook and its cells are not
        to be had.
    """
    if name not in _registry:
        _discover()
    if name not in _registry:
        near = get_close_matches(name, _registry, n=1)
        raise ParameterError(
            f"unknown bench {name!r}" + (f", did you mean {near[0]!r}?" if near else ""),
            remedy="name the Python file of a bench of your own with --import FILE.py (in Python: import its "
            "module first); `cimspice list benches` shows those that come with cimspice",
        )
    found = _registry[name]
    if typed(found):
        del _registry[name]  # for its like, which registers itself
        try:
            return as_module(found)()
        finally:
            _registry[name] = found
    return found()
