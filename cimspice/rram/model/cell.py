"""A 1T1R cell under write pulses: memory, access transistor and the charge of the node between them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import numbers
from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register
from cimspice.rram.model.access_law import AccessLaw
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.integrate import integrate
from cimspice.rram.model.root import rising_root

_DIFFERENCE = 1e-6
_RELATIVE = 1e-4
"""Error of a step of a write: far below what the law of the transistor leaves."""


@dataclass(frozen=True)
class WritePulse:
    """Levels during the pulse in V, its width and edges in s: numbers, or one per cell.

    SET: ``bit_line`` positive. RESET: ``source_line`` positive. The word line's level limits the current.
    ``source_resistance`` in ohm is that of the source line between its driver and the cell.
    """

    word_line: ArrayLike
    bit_line: ArrayLike = 0.0
    source_line: ArrayLike = 0.0
    width: ArrayLike = 1e-6
    edge: ArrayLike = 5e-9
    source_resistance: ArrayLike = 0.0

    def __post_init__(self) -> None:
        for name in (entry.name for entry in fields(self)):
            values = numbers(f"{name} of a write pulse", getattr(self, name))
            wrong = ~(np.isfinite(values) & (values >= 0))
            if wrong.any():
                raise ParameterError(
                    f"{name} of a write pulse is {values[wrong].flat[0]}",
                    place=f"WritePulse.{name}",
                    remedy="give V, s and ohm, finite and not negative; a RESET is a positive source_line",
                )
            values.setflags(write=False)
            object.__setattr__(self, name, values)


@dataclass(frozen=True)
class WriteResult:
    """States (cells,) after a pulse, energy in J (cells,) that bit and source line delivered."""

    state: np.ndarray
    energy: np.ndarray


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class RramCell(Model):
    """A memory between bit line and transistor, whose source is the source line, its body at ground.

    In an abrupt SET, the charge of the node between them flows through the memory at once: it, and not only
    the transistor, sets how far the state goes. That charge is the transistor's own, where its law knows it,
    and that of ``inner_capacitance`` in F: a wire's, or the whole one. ``read_voltage`` stands on the bit
    line and ``read_gate_voltage`` on the word line when the cell is read.
    """

    kind: ClassVar[str] = "rram_cell"
    parameter_units: ClassVar[Mapping[str, str]] = {"inner_capacitance": "F"}
    device: RramDevice
    transistor: AccessLaw
    inner_capacitance: float
    read_voltage: float = 0.1
    read_gate_voltage: float = 3.3

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, expected in (("device", RramDevice), ("transistor", AccessLaw)):
            if not isinstance(getattr(self, name), expected):
                raise ParameterError(
                    f"{name} of a 1T1R cell is a {getattr(getattr(self, name), 'kind', 'number')!r}",
                    remedy=f"give a {expected.__name__}: load the card that belongs here",
                )
        charged = self.inner_capacitance > 0 or (self.transistor.holds_charge and self.inner_capacitance == 0)
        if not charged:
            raise ParameterError(
                f"inner_capacitance is {self.inner_capacitance} F",
                remedy="give a positive one, such as 2e-15; 0 where the transistor's law knows its charge",
            )

    def conductance(self, state: ArrayLike) -> np.ndarray:
        """Conductance in S of the whole cell as it is read: I / read_voltage."""
        state = np.asarray(state, dtype=float)
        gate, supply = self.read_gate_voltage, self.read_voltage

        def excess(inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            below = self.transistor.current(gate, inner, 0.0)
            rise = (self.transistor.current(gate, inner + _DIFFERENCE, 0.0) - below) / _DIFFERENCE
            value = below - self.device.current(supply - inner, state)
            return value, rise + self.device.slope(supply - inner, state)

        inner = rising_root(excess, np.zeros_like(state), np.full_like(state, supply))
        return self.device.current(supply - inner, state) / supply

    def write(self, state: ArrayLike, pulse: WritePulse, ambient: ArrayLike = 27.0) -> WriteResult:
        """Apply one pulse to cells in ``state`` (cells,) at ``ambient`` °C, each cell for itself.

        Raises
        ------
        SimulationError
            If the integration of a cell does not get on.
        """
        given = (getattr(pulse, entry.name) for entry in fields(pulse))
        start, *rest = np.broadcast_arrays(np.asarray(state, dtype=float), *given, ambient)
        shape = start.shape
        word, bit, source, width, edge, wire, celsius = (np.ravel(values).astype(float) for values in rest)
        wired = bool(np.any(wire > 0))
        memory = self.device.initial(start.ravel())
        variables = np.concatenate([memory, np.zeros((1, start.size))])
        energy = np.zeros(start.size)
        device = self.device.within(bit, -source)
        for begin, end, duration in ((0.0, 1.0, edge), (1.0, 1.0, width), (1.0, 0.0, edge)):

            def rates(time, y, cells, begin=begin, end=end, duration=duration):
                share = begin + (end - begin) * time / np.maximum(duration[cells], 1e-300)
                high, low = bit[cells] * share, source[cells] * share
                inner = y[-1]
                through = device.current(high - inner, y[0])
                below = self.transistor.current(word[cells], inner, low)
                if wired:
                    # a few ohm: the error of this one step is the square of their share in the channel
                    below = self.transistor.current(word[cells], inner, low + wire[cells] * below)
                capacitance = self.inner_capacitance + self.transistor.capacitance(word[cells], inner)
                charging = (through - below) / capacitance
                changes = device.rates(high - inner, y[:-1], celsius[cells])
                return np.concatenate([changes, charging[None]]), (high * through - low * below)[None]

            scale = np.array([1e-5] + [1e-1] * (memory.shape[0] - 1) + [1e-4])
            done = integrate(rates, variables, duration, relative=_RELATIVE, absolute=scale)
            variables, energy = done.variables, energy + done.integrals[0]
        reached = self.device.kept(variables[0], start.ravel()).reshape(shape)
        return WriteResult(reached, energy.reshape(shape))
