"""What the resistive memories have in common: a normalised state, its velocity, its temperature."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_number, numbers
from cimspice.errors import ParameterError
from cimspice.fit.model import Model
from cimspice.fit.ranges import Range, Ranges
from cimspice.rram.model.parameter_sets import parameter_set

KELVIN = 273.15
BOLTZMANN = 8.617333262e-5
"""Boltzmann's constant in eV/K (CODATA 2018)."""

_BISECTIONS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class RramDevice(Model):
    """A two-terminal resistive memory.

    The state is normalised: 0 is the most resistive, 1 the most conductive one. A positive voltage moves it
    towards 1 (SET), a negative one towards 0 (RESET). Below 0, where a model has that, a cell is pristine: a
    positive voltage forms it, a negative one leaves it, and no RESET leads back there. All methods are
    vectorised: voltage (V), state and ambient temperature (°C) are broadcast against one another.

    Class attributes
    ----------------
    parameter_set
        Name of the set in ``pdk/rram`` that :meth:`published` reads; the netlist is made from the same file.
    variables
        What changes with time: the state, and the temperature rise (K) where the model keeps one.
    """

    parameter_set: ClassVar[str]
    variables: ClassVar[tuple[str, ...]] = ("state",)

    def __post_init__(self) -> None:
        super().__post_init__()
        parameter_set("rram", self.parameter_set).values(self.parameters())
        least, most = (float(self.slope(0.0, state)) for state in (0.0, 1.0))
        if not 0 <= least < most < np.inf:
            raise ParameterError(
                f"state 0 conducts {least:g} S and state 1 {most:g} S",
                place=self.kind,
                remedy="give parameters with which the conductance rises with the state",
            )

    @classmethod
    def published(cls, **changes: float) -> Self:
        """The model with its published numbers, some of them changed.

        Raises
        ------
        ParameterError
            For an unknown parameter, and for a value out of its bounds.
        """
        numbers = parameter_set("rram", cls.parameter_set)
        ranges = {name: Range(seen.low, seen.high, seen.unit) for name, seen in numbers.ranges.items()}
        return cls(**numbers.values(changes), ranges=Ranges(ranges))

    @abstractmethod
    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        """Current in A from the top to the bottom electrode."""

    @abstractmethod
    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        """∂ current / ∂ voltage in S at a fixed state."""

    def sinh_read(self, state: ArrayLike) -> tuple[np.ndarray, float] | None:
        """Amplitudes A (A) and scale V₀ (V) of a current A sinh(V/V₀) at held states; None for other laws."""
        return None

    @abstractmethod
    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        """d state / dt in 1/s at the device's own temperature in °C."""

    def local_temperature(
        self, voltage: ArrayLike, state: ArrayLike, ambient: ArrayLike = 27.0
    ) -> np.ndarray:
        """Temperature of the device in °C in the steady state; the ambient one where the model has none."""
        shape = np.broadcast_shapes(np.shape(voltage), np.shape(state), np.shape(ambient))
        return np.broadcast_to(np.asarray(ambient, dtype=float), shape)

    def within(self, *voltages: ArrayLike) -> Self:
        """The same device without ranges, once ``voltages`` (V) have been checked against them.

        Trial steps of an integration go anywhere and are thrown away: they must not warn.
        """
        for voltage in voltages:
            self._check(voltage=voltage)
        return replace(self, ranges=Ranges())

    @property
    def lowest_state(self) -> float:
        """The most pristine state that the equations take; 0 for models without forming."""
        return self.ranges["state"].low if "state" in self.ranges else 0.0

    def kept(self, state: ArrayLike, before: ArrayLike) -> np.ndarray:
        """States without what an integration has left beyond the ends: formed cells stay formed."""
        return np.clip(state, np.minimum(before, 0.0), 1.0)

    def initial(self, state: ArrayLike) -> np.ndarray:
        """Variables (variables, ...) of a device at rest in ``state``.

        Raises
        ------
        ParameterError
            For a state that the model does not have.
        """
        state = numbers("states", state)
        inside = (state >= self.lowest_state) & (state <= 1)
        if not np.all(inside):
            pristine = f"; below it, to {self.lowest_state:g}, pristine" if self.lowest_state < 0 else ""
            raise ParameterError(
                f"a state is {state[~inside].flat[0]:g}",
                place=self.kind,
                remedy=f"states go from 0 (most resistive) to 1 (most conductive){pristine}",
            )
        return np.concatenate([state[None], np.zeros((len(self.variables) - 1, *state.shape))])

    def rates(self, voltage: ArrayLike, variables: np.ndarray, ambient: ArrayLike = 27.0) -> np.ndarray:
        """Time derivatives (variables, ...) of the variables (variables, ...)."""
        state = variables[0]
        return self.velocity(voltage, state, self.local_temperature(voltage, state, ambient))[None]

    def conductance(self, state: ArrayLike, read_voltage: float = 0.1) -> np.ndarray:
        """I/V in S at ``read_voltage`` in V.

        Raises
        ------
        ParameterError
            For a state that the model does not have, and for a read voltage of 0.
        """
        if not checked_number("read_voltage", read_voltage):
            raise ParameterError("read_voltage is 0", place=self.kind, remedy="give one beside 0 V")
        return self.current(read_voltage, self.initial(state)[0]) / read_voltage

    def state_of(self, conductance: ArrayLike, read_voltage: float = 0.1) -> np.ndarray:
        """State with a conductance in S at ``read_voltage`` in V: the inverse of :meth:`conductance`.

        Raises
        ------
        ParameterError
            For a conductance that the device does not have.
        """
        wanted = np.asarray(conductance, dtype=float)
        low, high = (float(self.conductance(end, read_voltage)) for end in (0.0, 1.0))
        bad = wanted[~((wanted >= low * (1 - 1e-9)) & (wanted <= high * (1 + 1e-9)))]
        if bad.size:
            raise ParameterError(
                f"no state has a conductance of {bad.flat[0]:.6g} S ({bad.size} of {wanted.size})",
                place=f"{self.kind}, read at {read_voltage:g} V",
                remedy=f"conductances go from {low:.6g} to {high:.6g} S",
            )
        below, above = np.zeros_like(wanted), np.ones_like(wanted)
        for _ in range(_BISECTIONS):
            middle = (below + above) / 2
            small = self.conductance(middle, read_voltage) < wanted
            below, above = np.where(small, middle, below), np.where(small, above, middle)
        return (below + above) / 2


def stop(distance: ArrayLike, width: float) -> np.ndarray:
    """Smooth stop of motion towards an end at ``distance``: 1 far from it, 0 at it, pushing back beyond."""
    return np.tanh(np.asarray(distance) / width)


def stopped_loss(growth: np.ndarray, loss: np.ndarray, state: np.ndarray, width: float) -> np.ndarray:
    """The rate of RESET with its smooth stop at 0.

    Below 0 there is no filament that could shrink: there the loss takes from the growth at most all of it.
    """
    return np.where(state < 0, np.minimum(growth, loss), loss) * stop(np.abs(state), width)


def thermal_voltage(temperature: ArrayLike) -> np.ndarray:
    """kT/q in V of a temperature in °C."""
    return BOLTZMANN * (np.asarray(temperature, dtype=float) + KELVIN)


def units(name: str) -> Mapping[str, str]:
    """Units of the parameters of a set, in the order in which models declare them."""
    return {key: entry.unit for key, entry in parameter_set("rram", name).parameters.items()}
