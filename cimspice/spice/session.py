"""A session: one ngspice that stays loaded in this process, altered and run many times.

What each way of changing a loaded circuit costs (an inverter with its run, ms of CPU): `Session.alter` 1.1,
`Session.alter_parameters` 2.3, `Session.load` 4 and more. After any failure the next run begins from a fresh
load of the same state. Before a transient, AC or noise analysis the circuit is read anew
if its models change with every run (`cimspice.spice.lint.models_age`).
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from cimspice.errors import BadParameter, SimulationError
from cimspice.spice.analysis import Analysis, number
from cimspice.spice.console import Console
from cimspice.spice.deck import Deck, HasText, Models, compose
from cimspice.spice.digits import as_in_deck
from cimspice.spice.options import SolverOptions
from cimspice.spice.statistics import Statistics
from cimspice.spice.waveforms import Waveforms

_DEVICE = re.compile(r"(@[\w.:#+/-]+\[\w+\]|[a-z][\w.:#+/-]*)\Z")
_RESISTANCE = re.compile(r"(@r[\w.:#+/-]*\[(r|resistance)\]|r[\w.:#+/-]*)\Z")
# Changing any other parameter of a loaded MOSFET is silently wrong (31 mV for w in an inverter).
_MOSFET_PARAMETERS = ("delvto", "mulu0")


class Session:
    """One ngspice, loaded once. One thread uses it at a time; sessions of several threads take turns.

    Use it as a context manager, or call `close`. The state (netlist, corner, temperature, options,
    parameters, alterations) is kept here: what was altered stays altered until `load`.
    """

    def __init__(self) -> None:
        self._console = Console()
        self._deck: Deck | None = None
        self._conditions: dict[str, Any] = {}
        self._parameters: dict[str, float] = {}
        self._alterations: dict[str, float] = {}
        self._fresh = False
        self._corner_in_circuit = ""
        self._loads: dict[int, int] = {}
        """Thread -> which `load` or `configure`, of all, was its latest."""

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the circuit. The library itself stays in the process until it ends."""
        self._console.clear()
        self._deck, self._fresh = None, False

    @property
    def dead(self) -> bool:
        """True if ngspice asked to be detached; the next load or run takes a new copy of the library."""
        return self._console.dead

    @property
    def statistics(self) -> Statistics:
        """What this session has done, with the CPU time that ngspice spent in the analyses."""
        return self._console.statistics

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
        self._begin()
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

        As `load`, then ``parameters`` (see `alter_parameters`) and ``alterations`` (device -> value,
        `alter`).
        """
        wanted = {
            "netlist": netlist,
            "temperature": temperature,
            "options": options,
            "models": models,
            "flat": flat,
        }
        self._begin()
        changed = {name.lower(): float(value) for name, value in (parameters or {}).items()}
        altered = {name.lower(): float(value) for name, value in (alterations or {}).items()}
        if not self._reaches(wanted, corner) or self._parameters.keys() - changed.keys():
            self.load(netlist, corner=corner, **{k: v for k, v in wanted.items() if k != "netlist"})
        back = bool(self._alterations.keys() - altered.keys())
        if back:
            self._alterations = {}
        if back or corner != self.corner or changed != self._parameters:
            self._change(corner, self._checked(changed))
        for device, value in altered.items():
            if self._alterations.get(device) != value:
                self.alter(device, value)

    def _reaches(self, wanted: dict[str, Any], corner: str) -> bool:
        """True if the loaded circuit needs no new load for these conditions."""
        if self._deck is None or not self._fresh:
            return False
        same = all(
            self._conditions[key] is value or self._conditions[key] == value for key, value in wanted.items()
        )
        return same and (corner == self.corner or corner in self._deck.corners)

    def alter(self, device: str, value: float) -> None:
        """Change a source's DC value (V, A), a resistor (ohm), a capacitor (F) or ``@m.path[delvto]`` (V).

        Results equal those of a fresh load with that value. A transistor's ``delvto`` is its whole threshold
        shift, the corner's own part included: see `cimspice.pdk.mismatch_alterations`.
        """
        deck = self._loaded()
        name = device.strip().lower()
        inner = re.match(r"@(m[\w.:#+/-]*)\[(\w+)\]", name)
        if not _DEVICE.match(name) or name.startswith("m"):  # ngspice dies of a bare MOSFET's name
            raise BadParameter(
                f"{device!r} is not a device",
                place="alter",
                remedy="give a source, a resistor, a capacitor or @device[parameter]",
            )
        if inner and inner[2] not in _MOSFET_PARAMETERS:
            raise BadParameter(
                f"altering {inner[2]!r} of a loaded MOSFET gives wrong results without a word",
                place=f"alter {name}",
                remedy="make it a .param of the netlist and use alter_parameters",
            )
        _check_finite(name, value)
        if value == 0 and _RESISTANCE.match(name):
            raise BadParameter(
                f"{name} = 0 ohm would become 1 milliohm",
                place="alter",
                remedy="give a small positive resistance",
            )
        self._ensure_fresh()
        self._send([_alter(name, value)], deck)
        self._alterations[name] = float(value)

    def alter_parameters(self, values: Mapping[str, float]) -> None:
        """Change ``.param`` values of the netlist, then read the circuit again, once.

        The result equals that of a fresh load to the last bit. Alterations made by `alter` stay in force.
        """
        named = {name.lower(): float(value) for name, value in values.items()}
        self._change(self._conditions.get("corner", ""), {**self._parameters, **self._checked(named)})

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
        """Set the temperature (degrees Celsius): a new load, with parameters and alterations kept."""
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
            Of the kind that fits, unless the result is new, complete and finite and ngspice was content.
        """
        deck = self._loaded()
        self._ensure_fresh()
        try:
            if deck.ages and analysis.dynamic and self._console.used:
                self._reset(deck)
                self._reapply(deck)
            return self._console.run(analysis, deck)
        except SimulationError:
            self._fresh = False
            raise

    def _begin(self) -> None:
        self._loads[threading.get_ident()] = max(self._loads.values(), default=0) + 1

    def _loaded(self) -> Deck:
        if self._deck is None:
            raise SimulationError("no circuit is loaded", remedy="call Session.load first")
        mine = self._loads.get(threading.get_ident())
        if mine is not None and mine < max(self._loads.values()):
            raise SimulationError(
                "another thread has loaded a circuit into this session since this one did",
                remedy="give each thread a Session of its own, or use simulate() or a Pool",
            )
        return self._deck

    def _checked(self, values: dict[str, float]) -> dict[str, float]:
        deck = self._loaded()
        for name, value in values.items():
            _check_finite(name, value)
            if name not in deck.parameters:
                known = ", ".join(sorted(deck.parameters)[:20]) or "none"
                raise BadParameter(
                    f"the circuit has no plain .param {name!r}",
                    place="alter_parameters",
                    remedy=f"it has: {known}",
                )
        return values

    def _send(self, commands: list[str], deck: Deck) -> None:
        try:
            self._console.send(commands, deck)
        except SimulationError:
            self._fresh = False
            raise

    def _ensure_fresh(self) -> None:
        if not self._fresh:
            self._restore()

    def _restore(self) -> None:
        """Load the deck from nothing and bring it to the state that is kept here."""
        deck = self._loaded()
        self._fresh = False
        self._console.load(deck)
        self._corner_in_circuit = deck.corner
        if self._parameters or self.corner != deck.corner:
            self._reset(deck)
        self._reapply(deck)
        self._fresh = True

    def _change(self, corner: str, parameters: dict[str, float]) -> None:
        """Put corner and parameters in force; if ngspice does not accept them, the former ones stay."""
        deck = self._loaded()
        self._ensure_fresh()
        former = self.corner, self._parameters
        self._conditions["corner"], self._parameters = corner, parameters
        self._fresh = False
        try:
            self._reset(deck)
            self._reapply(deck)
        except SimulationError:
            self._conditions["corner"], self._parameters = former
            raise
        self._fresh = True

    def _reset(self, deck: Deck) -> None:
        corner = self.corner or deck.corner
        changed = {} if corner == self._corner_in_circuit else dict(deck.corners[corner])
        changed |= self._parameters
        self._console.reset({name: number(value) for name, value in changed.items()}, deck)
        self._corner_in_circuit = corner

    def _reapply(self, deck: Deck) -> None:
        if self._alterations:
            self._send([_alter(name, value) for name, value in self._alterations.items()], deck)


def _alter(device: str, value: float) -> str:
    return f"alter {device} = {number(value) if device.startswith('@m') else as_in_deck(value)}"


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise BadParameter(f"{name} = {value!r} is not finite", place=name, remedy="give a finite number")
