"""A session: one ngspice that stays loaded in this process, altered and run many times.

What each way of changing a loaded circuit costs and means (an inverter, ms of CPU): `Session.alter` 1.1, keeps the
solver's history (differences of 1e-13); `Session.alter_parameters` 2.3, equal to a fresh batch run to the last bit;
`Session.load` 4 and more, the same. After any failure the next run begins from a fresh load of the same state.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np

from cimspice.errors import BadParameter, SimulationError
from cimspice.spice.analysis import Analysis, Noise, number
from cimspice.spice.deck import Deck, HasText, Models, compose
from cimspice.spice.engine import Engine
from cimspice.spice.failures import complaints, failure, judge, read_plot
from cimspice.spice.lint import zero_resistor
from cimspice.spice.options import SolverOptions
from cimspice.spice.waveforms import Waveforms

_HISTORY_EVERY = 50
_DEVICE = re.compile(r"(@[\w.]+\[\w+\]|[a-z][\w.]*)\Z")
# Changing any other parameter of a loaded MOSFET is silently wrong (31 mV for w in an inverter).
_MOSFET_PARAMETERS = ("delvto", "mulu0")


@dataclass(frozen=True)
class Statistics:
    """What a session has done.

    ``analysis_seconds`` is the CPU time (s, of the calling thread) inside ngspice's analysis commands alone;
    ``engine_seconds`` that inside all calls of ngspice (loads, resets and alterations too).
    """

    runs: int = 0
    loads: int = 0
    resets: int = 0
    failures: int = 0
    analysis_seconds: float = 0.0
    engine_seconds: float = 0.0


class Session:
    """One ngspice, loaded once. Not for use from several threads at a time.

    Use as a context manager, or call `close`. The state (netlist, corner, temperature, options, parameters,
    alterations) is kept here: what was altered stays altered until `load`.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._deck: Deck | None = None
        self._conditions: dict = {}
        self._parameters: dict[str, float] = {}
        self._alterations: dict[str, float] = {}
        self._fresh = False
        self._corner_in_engine = ""
        self._saved: tuple[str, ...] = ()
        self.statistics = Statistics()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the circuit. The library itself stays in the process until it ends."""
        if self._engine is not None and not self._engine.wants_exit and self._deck is not None:
            self._command("remcirc")
        self._deck, self._fresh = None, False

    @property
    def dead(self) -> bool:
        """True if ngspice asked to be detached; the next load takes a new copy of the library."""
        return self._engine is not None and self._engine.wants_exit

    @property
    def corner(self) -> str | None:
        """The corner in force, ``None`` before a load."""
        return self._conditions.get("corner")

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters altered since the load."""
        return dict(self._parameters)

    def load(
        self,
        netlist: HasText,
        *,
        corner: str = "tt",
        temperature: float = 27.0,
        options: SolverOptions | None = None,
        models: str | Models | None = None,
        flat: bool = False,
    ) -> None:
        """Load a circuit, forgetting the one before.

        Parameters
        ----------
        netlist
            A `cimspice.netlist.Netlist`, or anything with ``.text``.
        corner
            Process corner of the PDK's devices.
        temperature
            Degrees Celsius.
        options
            Solver options.
        models
            Device models (text or slice) instead of the PDK's slice for this netlist.
        flat
            One top-level model per geometry: much quicker for large transients.
        """
        conditions = {
            "netlist": netlist,
            "corner": corner,
            "temperature": temperature,
            "options": options,
            "models": models,
            "flat": flat,
        }
        self._deck = None
        deck = compose(**conditions)
        self._conditions, self._parameters, self._alterations = conditions, {}, {}
        self._deck = deck
        self._restore()

    def configure(
        self,
        netlist: HasText,
        *,
        corner: str = "tt",
        temperature: float = 27.0,
        options: SolverOptions | None = None,
        models: str | Models | None = None,
        flat: bool = False,
        parameters: Mapping[str, float] | None = None,
        alterations: Mapping[str, float] | None = None,
    ) -> None:
        """Reach a state by the cheapest way from what is loaded: nothing, alter, parameters + reset, or load.

        As `load`, then ``parameters`` (see `alter_parameters`) and ``alterations`` (device -> value, see `alter`).
        """
        wanted = {
            "netlist": netlist,
            "temperature": temperature,
            "options": options,
            "models": models,
            "flat": flat,
        }
        same = (
            self._fresh
            and self._deck is not None
            and all(self._conditions[k] == v for k, v in wanted.items())
        )
        reachable = (
            same and self._deck is not None and (corner == self.corner or corner in self._deck.corners)
        )
        wanted_parameters = {name.lower(): float(v) for name, v in (parameters or {}).items()}
        wanted_alterations = {name.lower(): float(v) for name, v in (alterations or {}).items()}
        if not reachable or set(self._parameters) - set(wanted_parameters):
            self.load(
                netlist, corner=corner, temperature=temperature, options=options, models=models, flat=flat
            )
        lost = set(self._alterations) - set(wanted_alterations)
        if lost:
            self._alterations = {}
        if corner != self.corner or wanted_parameters != self._parameters or lost:
            self._change(corner, wanted_parameters)
        for device, value in wanted_alterations.items():
            if self._alterations.get(device) != value:
                self.alter(device, value)

    def alter(self, device: str, value: float) -> None:
        """Change a source's DC value (V, A), a resistor (ohm), a capacitor (F) or ``@m.path[delvto]`` (V) in place.

        The solver's history is kept: results differ by about 1e-13 from those of a fresh load.
        """
        deck = self._loaded()
        name = device.strip().lower()
        inner = re.match(r"@(m[\w.]*)\[(\w+)\]", name)
        if not _DEVICE.match(name):
            raise BadParameter(f"{device!r} is not a device or @device[parameter]", place="alter")
        if inner and inner[2] not in _MOSFET_PARAMETERS:
            raise BadParameter(
                f"altering {inner[2]!r} of a loaded MOSFET gives wrong results without a word",
                place=f"alter {name}",
                remedy="make it a .param of the netlist and use alter_parameters",
            )
        _check_finite(name, value)
        if re.match(r"(@r[\w.]*\[(r|resistance)\]|r[\w.]*)\Z", name) and value == 0:
            raise BadParameter(
                f"{name} = 0 ohm would become 1 milliohm", place="alter", remedy="give a small resistance"
            )
        self._ensure_fresh()
        self._send([f"alter {name} = {number(value)}"], deck)
        self._alterations[name] = float(value)

    def alter_parameters(self, values: Mapping[str, float]) -> None:
        """Change ``.param`` values of the netlist, then re-read the circuit once.

        The result equals that of a fresh load to the last bit. Alterations made by `alter` stay in force.
        """
        deck = self._loaded()
        named = {name.lower(): float(value) for name, value in values.items()}
        for name, value in named.items():
            _check_finite(name, value)
            if name not in deck.parameters:
                known = ", ".join(sorted(deck.parameters)[:20])
                raise BadParameter(
                    f"the circuit has no plain .param {name!r}",
                    place="alter_parameters",
                    remedy=f"it has: {known}",
                )
        self._change(self.corner or deck.corner, {**self._parameters, **named})

    def set_corner(self, corner: str) -> None:
        """Switch the process corner inside the loaded circuit."""
        deck = self._loaded()
        if corner != self.corner and corner not in deck.corners:
            known = ", ".join(deck.corners) or "none: its models were given as text"
            raise BadParameter(
                f"no corner {corner!r} in the loaded models", place="corner", remedy=f"there are: {known}"
            )
        self._change(corner, self._parameters)

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature (degrees Celsius); the circuit is loaded anew, with its parameters and alterations."""
        self._loaded()
        conditions = {**self._conditions, "temperature": temperature}
        self._deck = compose(**conditions)
        self._conditions = conditions
        self._restore()

    def run(self, analysis: Analysis) -> Waveforms:
        """Run one analysis on the loaded circuit.

        Raises
        ------
        SimulationError
            Of the kind that fits, unless the result is new, complete, finite and ngspice was content.
        """
        deck = self._loaded()
        self._ensure_fresh()
        engine = self._engine
        assert engine is not None
        if analysis.save != self._saved:
            self._command("delete all")
            for name in analysis.save:
                self._command(f"save {name}")
            self._saved = analysis.save
        engine.take_words()
        begin = time.thread_time()
        engine.command(analysis.command)
        spent = time.thread_time() - begin
        try:
            plot, vectors = self._read(engine, analysis)
            words = engine.take_words()
            if engine.wants_exit:
                raise failure(words, deck.lines, analysis.command)
            judge(analysis, plot, vectors, words, deck.lines)
        except SimulationError:
            self._fresh = False
            self._count(failures=1, analysis_seconds=spent, engine_seconds=spent)
            raise
        self._command("destroy all")
        self._count(runs=1, analysis_seconds=spent, engine_seconds=spent)
        if self.statistics.runs % _HISTORY_EVERY == 0:
            engine.free_history()
        return Waveforms(analysis.axis, vectors)

    def _read(self, engine: Engine, analysis: Analysis) -> tuple[str, dict[str, np.ndarray]]:
        plot = engine.current_plot()
        if not plot.startswith(analysis.plot):
            return plot, {}
        plots = [engine.vectors(plot)]
        if isinstance(analysis, Noise):
            # The integrals lie in the current plot, the spectra in the one made just before.
            plots.insert(0, engine.vectors(f"noise{int(plot.removeprefix('noise')) - 1}"))
        return plot, read_plot(analysis, plots)

    def _loaded(self) -> Deck:
        if self._deck is None:
            raise SimulationError("no circuit is loaded", remedy="call Session.load first")
        return self._deck

    def _command(self, words: str) -> None:
        engine = self._engine
        assert engine is not None
        begin = time.thread_time()
        engine.command(words)
        self._count(engine_seconds=time.thread_time() - begin)

    def _count(self, **more: float) -> None:
        self.statistics = replace(
            self.statistics, **{k: getattr(self.statistics, k) + v for k, v in more.items()}
        )

    def _send(self, commands: list[str], deck: Deck) -> None:
        engine = self._engine
        assert engine is not None
        engine.take_words()
        for command in commands:
            self._command(command)
        words = engine.take_words()
        if engine.wants_exit or complaints(words):
            self._fresh = False
            raise failure(words, deck.lines, commands[-1])

    def _ensure_fresh(self) -> None:
        if not self._fresh:
            self._restore()

    def _restore(self) -> None:
        """Load the deck from nothing and bring it to the state that is kept here."""
        deck = self._loaded()
        if self._engine is None or self._engine.wants_exit:
            self._engine = Engine()
        engine = self._engine
        self._fresh = False
        for command in ("destroy all", "delete all", "remcirc"):
            self._command(command)
        self._saved = ()
        engine.take_words()
        begin = time.thread_time()
        engine.source([*deck.lines, ".end"])
        self._count(loads=1, engine_seconds=time.thread_time() - begin)
        words = engine.take_words()
        if engine.wants_exit or complaints(words):
            self._count(failures=1)
            raise failure(words, deck.lines, "load")
        self._fresh, self._corner_in_engine = True, deck.corner
        if self._parameters or self.corner != deck.corner:
            self._reset(deck)
        else:
            self._check_resistors(deck)
            self._reapply(deck)

    def _change(self, corner: str, parameters: dict[str, float]) -> None:
        """Put other parameters in force; if ngspice does not accept them, the former ones stay."""
        deck = self._loaded()
        self._ensure_fresh()
        former = self.corner, self._parameters
        self._conditions["corner"], self._parameters = corner, parameters
        try:
            self._reset(deck)
        except SimulationError:
            self._conditions["corner"], self._parameters = former
            self._fresh = False
            raise

    def _reset(self, deck: Deck) -> None:
        """Write corner and parameters into the loaded circuit, which is then read again, once."""
        corner = self.corner or deck.corner
        changed = {} if corner == self._corner_in_engine else dict(deck.corners[corner])
        changed.update(self._parameters)
        self._send(
            [f"alterparam {name}={number(value)}" for name, value in changed.items()] + ["reset"], deck
        )
        self._corner_in_engine = corner
        self._count(resets=1)
        self._check_resistors(deck)
        self._reapply(deck)

    def _reapply(self, deck: Deck) -> None:
        if self._alterations:
            self._send([f"alter {name} = {number(value)}" for name, value in self._alterations.items()], deck)

    def _check_resistors(self, deck: Deck) -> None:
        """A resistor computed to be 0 would silently become 1 milliohm: look at the expanded circuit."""
        if not deck.computed_resistors:
            return
        engine = self._engine
        assert engine is not None
        engine.take_words()
        self._command("listing expand")
        line = zero_resistor(engine.take_words())
        if line:
            self._fresh = False
            raise BadParameter(
                "a resistor is computed to be 0 ohm: ngspice would take 1 milliohm",
                netlist_line=line,
                remedy="keep the parameters of its value so that it is positive",
            )


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise BadParameter(f"{name} = {value!r} is not finite", place=name, remedy="give a finite number")


_own: list[Session] = []


def simulate(
    netlist: HasText,
    analysis: Analysis,
    *,
    corner: str = "tt",
    temperature: float = 27.0,
    options: SolverOptions | None = None,
    models: str | Models | None = None,
    flat: bool = False,
) -> Waveforms:
    """Load a circuit into this process' own session and run one analysis; see `Session.load` for the parameters."""
    if not _own:
        _own.append(Session())
    _own[0].load(netlist, corner=corner, temperature=temperature, options=options, models=models, flat=flat)
    return _own[0].run(analysis)
