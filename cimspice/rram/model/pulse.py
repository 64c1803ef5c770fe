"""A voltage pulse on a memory behind a series resistance, as bench ``rram_switching`` applies it."""

import numpy as np
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError
from cimspice.rram.model.cell import WriteResult
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.integrate import integrate
from cimspice.rram.model.root import rising_root

_RISE_TOLERANCE = 1e-2
"""Error in K allowed in a step of a temperature rise."""


def voltage_across(
    device: RramDevice, state: ArrayLike, supply: ArrayLike, series_resistance: ArrayLike
) -> np.ndarray:
    """Voltage in V on the memory alone when it and a resistance in ohm share ``supply`` in V."""
    state, supply, resistance = np.broadcast_arrays(
        *(np.asarray(values, dtype=float) for values in (state, supply, series_resistance))
    )

    def excess(inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value = inner + resistance * device.current(inner, state) - supply
        return value, 1 + resistance * device.slope(inner, state)

    return rising_root(excess, np.minimum(supply, 0.0), np.maximum(supply, 0.0), supply)


def apply_pulse(
    device: RramDevice,
    state: ArrayLike,
    voltage: ArrayLike,
    width: ArrayLike,
    *,
    edge: ArrayLike = 0.01,
    series_resistance: ArrayLike = 0.0,
    ambient: ArrayLike = 27.0,
    relative: float = 1e-6,
) -> WriteResult:
    """State and energy after a pulse, each memory for itself; everything is broadcast.

    Parameters
    ----------
    state
        State before the pulse, to 1; below 0 pristine.
    voltage
        Of the source in V: positive is SET.
    width
        At full voltage, in s.
    edge
        Of each edge, as a share of the width.
    series_resistance
        In ohm.
    ambient
        In °C.
    relative
        Relative error allowed in one step of the integration.

    Raises
    ------
    ParameterError
        A width that is not positive, a voltage that is not finite, a state outside of the model's.
    """
    arrays = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (state, voltage, width, edge, series_resistance, ambient))
    )
    shape = arrays[0].shape
    start, height, flat, share, resistance, celsius = (values.ravel() for values in arrays)
    for name, values, good in (
        ("width", flat, flat > 0), ("voltage", height, np.isfinite(height)), ("edge", share, share >= 0),
        ("series_resistance", resistance, resistance >= 0),
    ):  # fmt: skip
        if not np.all(good & np.isfinite(values)):
            raise ParameterError(
                f"{name} of a pulse is {values[~(good & np.isfinite(values))][0]}",
                place=device.kind,
                remedy="give a finite voltage in V, a positive width in s, edge and resistance not negative",
            )
    variables, energy = device.initial(start), np.zeros(start.size)
    free = device.within(height)
    limits = np.array([1e-6] + [_RISE_TOLERANCE] * (variables.shape[0] - 1))
    for begin, end, duration in ((0.0, 1.0, share * flat), (1.0, 1.0, flat), (1.0, 0.0, share * flat)):

        def rates(time, y, cells, begin=begin, end=end, duration=duration):
            level = begin + (end - begin) * time / np.maximum(duration[cells], 1e-300)
            supply = height[cells] * level
            inner = voltage_across(free, y[0], supply, resistance[cells])
            power = supply * free.current(inner, y[0])
            return free.rates(inner, y, celsius[cells]), power[None]

        done = integrate(rates, variables, duration, relative=relative, absolute=limits)
        variables, energy = done.variables, energy + done.integrals[0]
    return WriteResult(device.kept(variables[0], start).reshape(shape), energy.reshape(shape))
