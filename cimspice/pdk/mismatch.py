"""Local mismatch: a threshold shift for every transistor, drawn here and applied as ``delvto``.

The PDK draws mismatch inside ngspice: not reproducible when the deck's text changes, and impossible to alter
in a loaded circuit. Here each transistor has a standard deviation from the PDK's own constants (Pelgrom's
law, IEEE JSSC 24 (1989) 1433) and a draw that depends on its name, the seed and the sample only.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.corners import global_value
from cimspice.pdk.devices import Device, device, mosfet_path
from cimspice.pdk.draws import standard_normal
from cimspice.pdk.expression import evaluate, number
from cimspice.pdk.instances import Instance, instance_paths, place_of
from cimspice.pdk.library import Library, Section, assignments, joined, statements
from cimspice.pdk.model_slice import check_corner
from cimspice.pdk.source import Pdk, locate

Constants = Literal["matching", "library"]
_RANDOM = "agauss(0,1.0,1)"


def threshold_sigma(
    name: str,
    width: float,
    length: float,
    *,
    multiplier: float = 1.0,
    constants: Constants = "matching",
    pdk: Pdk | None = None,
) -> float:
    """Standard deviation of one transistor's threshold voltage, in volts.

    Parameters
    ----------
    name
        The device, for instance ``"nfet_01v8"``.
    width, length
        In micrometres (all fingers together).
    multiplier
        Number of parallel devices (``m=``): they average, hence 1/sqrt(multiplier).
    constants
        ``"matching"``: the PDK's matching constant over sqrt(W L), as its own comment defines it.
        ``"library"``: what the PDK's expressions would draw. They differ for ``nfet_01v8`` only, where the
        library multiplies the random term by its corner's geometry factors: 55 mV, not 13 mV, at 0.42/0.15.
    pdk
        Where the models are; found if not given.
    """
    for key, value in (("width", width), ("length", length), ("multiplier", multiplier)):
        if not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{key} = {value} has to be positive and finite", place=name)
    used = _mosfet(name)
    section = Library.open((pdk or locate()).library()).section("tt")
    if constants == "matching":
        return _matching_constant(section, used) / math.sqrt(width * length * multiplier)
    if constants != "library":
        raise ParameterError(f"unknown constants {constants!r}", remedy='use "matching" or "library"')
    local = {"w": width, "l": length, "mult": multiplier, "nf": 1.0}
    drawn, nominal = (_shift(section, used, local, deviate) for deviate in (1.0, 0.0))
    return abs(drawn - nominal)


def threshold_shift(
    name: str,
    width: float,
    length: float,
    *,
    corner: str = "tt",
    fingers: int = 1,
    process: Mapping[str, float] | None = None,
    pdk: Pdk | None = None,
) -> float:
    """The threshold shift in volts that the corner itself gives a transistor, without mismatch.

    ``width`` and ``length`` in micrometres; ``process`` are global parameters that differ from the corner's
    (:func:`cimspice.pdk.draw_process`). Zero for the SRAM transistors, whose corners change the models.
    """
    check_corner(corner)
    section = Library.open((pdk or locate()).library()).section(corner)
    if process:
        drawn = {parameter: repr(value) for parameter, value in process.items()}
        section = replace(section, parameters={**section.parameters, **drawn})
    used = _mosfet(name)
    if used.name.startswith("sky130_fd_pr__special_"):
        return 0.0
    return _shift(section, used, {"w": width, "l": length, "mult": 1.0, "nf": float(fingers)}, 0.0)


def threshold_sigmas(
    text: str, *, constants: Constants = "matching", pdk: Pdk | None = None
) -> dict[str, float]:
    """Standard deviation in volts of the threshold of every transistor in a netlist.

    Returns
    -------
    dict[str, float]
        Path of the X line (``"xcell1.xpull"``, lower case) -> volts.

    Raises
    ------
    ParameterError
        If a transistor's W, L or m has no value: an expression of unknown names.
    """
    pdk = pdk or locate()
    known: dict[tuple, float] = {}
    sigmas: dict[str, float] = {}
    for path, instance in instance_paths(text).items():
        if not instance.device.is_mosfet:
            continue
        name = instance.device.name
        width, length, multiplier = (_number(instance, key) for key in ("w", "l", "m"))
        use = (name, width, length, multiplier)
        if use not in known:
            known[use] = threshold_sigma(
                name, width, length, multiplier=multiplier, constants=constants, pdk=pdk
            )
        sigmas[path] = known[use]
    return sigmas


def draw_mismatch(sigmas: Mapping[str, float], seed: int, sample: int = 0) -> dict[str, float]:
    """Threshold shifts in volts for one sample: path -> N(0, sigma), from seed, sample and path alone."""
    return {path: sigma * standard_normal(seed, sample, path) for path, sigma in sigmas.items()}


def with_mismatch(text: str, shifts: Mapping[str, float]) -> str:
    """The netlist with ``delvto=`` on its X lines (added to a ``delvto=`` that is there).

    Only transistors at top level have an X line of their own; for those inside subcircuits see
    :func:`mismatch_alterations`.

    Raises
    ------
    ParameterError
        If a path names no transistor, or one inside a subcircuit.
    """
    found = instance_paths(text)
    lines = text.splitlines()
    for path, shift in shifts.items():
        instance = found.get(path.lower())
        if instance is None or not instance.device.is_mosfet or instance.scope:
            inside = instance is not None and bool(instance.scope)
            raise ParameterError(
                f"no transistor {path!r} stands at the netlist's top level",
                remedy="use mismatch_alterations for those inside subcircuits"
                if inside
                else "check the name",
            )
        if not math.isfinite(shift):
            raise ParameterError(f"the threshold shift {shift} is not finite", place=path)
        before = instance.parameters.get("delvto")
        line = instance.line if before is None else _without_delvto(instance)
        value = repr(shift) if before is None else "{(" + before.strip("{}'") + f")+({shift!r})}}"
        filler = ["*"] * (instance.last - instance.first)
        lines[instance.first : instance.last + 1] = [f"{line} delvto={value}", *filler]
    return "\n".join(lines) + "\n"


def mismatch_alterations(
    text: str,
    shifts: Mapping[str, float],
    *,
    corner: str = "tt",
    flat: bool = False,
    process: Mapping[str, float] | None = None,
    pdk: Pdk | None = None,
) -> dict[str, float]:
    """What to alter in a loaded circuit: path of the MOSFET -> its whole ``delvto`` in volts.

    The value holds the corner's own shift, which ``alter @path[delvto] = value`` would otherwise erase, and
    that of the ``process`` sample (:func:`cimspice.pdk.draw_process`) that the circuit holds. After a change
    of corner or a ``reset`` the alterations have to be made anew.
    """
    pdk = pdk or locate()
    found = instance_paths(text)
    result: dict[str, float] = {}
    for path, shift in shifts.items():
        instance = found.get(path.lower())
        if instance is None or not instance.device.is_mosfet:
            raise ParameterError(f"the netlist has no transistor {path!r}", remedy="check the name")
        width, length, fingers, given = (_number(instance, name) for name in ("w", "l", "nf", "delvto"))
        own = threshold_shift(
            instance.device.name, width, length, corner=corner, fingers=int(fingers), process=process, pdk=pdk
        )
        written = flat and all(
            number(instance.parameters.get(name, "1")) is not None for name in ("w", "l", "nf")
        )
        result[mosfet_path(path, instance.device.name, flat=written)] = own + given + shift
    return result


def _mosfet(name: str) -> Device:
    used = device(name)
    if not used.is_mosfet:
        raise PdkError(f"{used.name} is a {used.kind}: it has no threshold", remedy="name a transistor")
    return used


def _matching_constant(section: Section, used: Device) -> float:
    """Volts times micrometres."""
    for name in (f"sw_mm_vth0_{used.name}", f"{used.name}__vth0_slope"):
        if name in section.parameters:
            return global_value(section, name)
    raise PdkError(f"the library has no matching constant of {used.name}", remedy="use the pinned PDK")


def _shift(section: Section, used: Device, local: Mapping[str, float], deviate: float) -> float:
    """The library's expression of the threshold shift with a given value for its random number."""
    expressions: dict[str, str] = {}
    for statement in statements(section.subcircuits[used.name]):
        head = statement.split(None, 1)[0].lower()
        if head in (".param", "m" + used.name):
            expressions |= assignments(joined(statement))
        elif head == ".model" and "delvto" not in expressions:
            # The SRAM transistors draw their threshold inside the model.
            expressions["delvto"] = assignments(joined(statement))["vth0"]
            break
    switches = {"mc_mm_switch": 1.0, "mismatch_factor": 1.0, "drawn": deviate}

    def lookup(name: str) -> float:
        if name in local:
            return local[name]
        if name in switches:
            return switches[name]
        if name in expressions:
            return evaluate(_with_draw(expressions[name]), lookup)
        return global_value(section, name)

    return evaluate(_with_draw(expressions["delvto"]), lookup)


def _with_draw(expression: str) -> str:
    return expression.lower().replace(_RANDOM, "drawn")


def _number(instance: Instance, name: str) -> float:
    value = instance.value(name)
    if value is None and name in instance.parameters:
        raise ParameterError(
            f"{name}={instance.parameters[name]} has no value in this netlist: mismatch needs numbers",
            place=place_of(instance),
            remedy="use parameters of its subcircuit or of .param, or write the number on the X line",
        )
    return (0.0 if name == "delvto" else 1.0) if value is None else value


def _without_delvto(instance: Instance) -> str:
    kept = " ".join(f"{name}={value}" for name, value in instance.parameters.items() if name != "delvto")
    return " ".join((instance.name, *instance.nodes, instance.device.name, kept))
