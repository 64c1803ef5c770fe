"""Local mismatch of capacitors: how much two drawn alike differ, by the PDK's own expression."""

import math

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.corners import global_value
from cimspice.pdk.devices import device
from cimspice.pdk.expression import evaluate
from cimspice.pdk.library import Library, assignments, joined, statements
from cimspice.pdk.source import Pdk, locate

_RANDOM = "agauss(0,1.0,1)"


def capacitor_sigma(
    name: str, width: float, length: float, *, multiplier: float = 1.0, pdk: Pdk | None = None
) -> float:
    """Relative standard deviation of one capacitor's value over its neighbours on a chip.

    Parameters
    ----------
    name
        The device, for instance ``"cap_mim_m3_1"``.
    width, length
        In micrometres.
    multiplier
        Number of parallel devices.
    pdk
        Where the models are; found if not given.

    Raises
    ------
    ParameterError, PdkError
        If a size is not positive, or the device is no capacitor.
    """
    for key, value in (("width", width), ("length", length), ("multiplier", multiplier)):
        if not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{key} = {value} has to be positive and finite", place=name)
    used = device(name)
    if used.kind != "capacitor":
        raise PdkError(f"{used.name} is a {used.kind}, no capacitor", remedy="name a capacitor")
    section = Library.open((pdk or locate()).library()).section("tt")
    expressions: dict[str, str] = {}
    for statement in statements(section.subcircuits[used.name]):
        if statement.split(None, 1)[0].lower() == ".param":
            expressions |= assignments(joined(statement))
    given = {"w": width, "l": length, "mult": multiplier, "mc_mm_switch": 1.0, "mismatch_factor": 1.0}

    def farad(drawn: float) -> float:
        def lookup(parameter: str) -> float:
            if parameter in given:
                return given[parameter]
            if parameter == "drawn":
                return drawn
            if parameter in expressions:
                return evaluate(expressions[parameter].lower().replace(_RANDOM, "drawn"), lookup)
            return global_value(section, parameter)

        return lookup("carea")

    return farad(1.0) / farad(0.0) - 1
