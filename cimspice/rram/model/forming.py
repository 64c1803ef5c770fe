"""Pristine cells: how thick the gap is that a forming pulse of a given voltage closes."""

import numpy as np
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.parameter_sets import parameter_set
from cimspice.rram.model.pulse import apply_pulse

_POINTS = 17
_ROUNDS = 4


def pristine_state(
    device: RramDevice,
    voltage: ArrayLike | None = None,
    width: float | None = None,
    ambient: float = 27.0,
) -> np.ndarray:
    """State (below 0) of cells that a pulse just forms: the one that reaches 0 at the pulse's end.

    The equations are those of switching, continued to gaps beyond the switching range. The one number that
    they lack, the gap of a cell that was never formed, follows from the voltage at which cells form, which
    is measured.

    Parameters
    ----------
    voltage
        Across the memory, V, any shape; by default what the device's parameter set says of its source.
    width
        Of the pulse at full voltage, s; by default that of the same source.
    ambient
        In °C.

    Returns
    -------
    np.ndarray
        States of the shape of ``voltage``, to 1e-5.

    Raises
    ------
    ParameterError
        For a device without forming, for voltages neither published nor given, or beyond the device's range,
        and for one that would form the most pristine state, too.

    References
    ----------
    SkyWater, sky130_fd_pr_reram, Technology Specifications, "FORMing": 2.2 to 3.1 V, 2.5 V on average, 1 µs.
    """
    if device.lowest_state == 0:
        raise ParameterError(
            f"{device.kind} knows no forming", place="pristine_state", remedy="use skywater or stanford_pku"
        )
    published = parameter_set("rram", device.parameter_set).forming
    if published is not None:
        voltage = published.voltage if voltage is None else voltage
        width = published.width if width is None else width
    if voltage is None or width is None:
        raise ParameterError(
            f"no forming voltage of {device.kind} is published",
            place="pristine_state",
            remedy="give voltage in V and width in s, as measured on your cells",
        )
    volts, most = np.asarray(voltage, dtype=float), device.ranges["voltage"].high
    outside = ~((volts > 0) & (volts <= most))
    if outside.any():
        raise ParameterError(
            f"a forming voltage is {volts[outside].flat[0]:g} V",
            place=f"pristine_state, {device.kind}",
            remedy=f"the equations are meant for up to {most:g} V: give more than 0 and at most that",
        )
    low = np.full(volts.size, device.lowest_state)
    reach = -device.lowest_state
    for _ in range(_ROUNDS):
        states = low[:, None] + reach * np.linspace(0.0, 1.0, _POINTS)
        pulse = np.broadcast_to(volts.reshape(-1, 1), states.shape)
        formed = apply_pulse(device, np.minimum(states, 0.0), pulse, width, ambient=ambient).state >= 0
        first = np.argmax(formed, axis=1)
        if (first == 0).any():
            raise ParameterError(
                f"{volts.ravel()[first == 0][0]:g} V would form even a cell in state {device.lowest_state:g}",
                place="pristine_state",
                remedy="the equations hold up to that gap: give a lower voltage, or a shorter pulse",
            )
        reach /= _POINTS - 1
        low = states[np.arange(volts.size), first - 1]
    return np.minimum(low + reach, 0.0).reshape(volts.shape)
