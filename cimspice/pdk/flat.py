"""A netlist whose transistors are M lines with one top-level model per geometry.

ngspice copies every model of a subcircuit for each of its instances. For a network of 600 transistors that is
most of the memory and a good part of the time; here each (device, geometry) has one model that all share.
"""

from __future__ import annotations

import re

from cimspice.errors import ParameterError
from cimspice.pdk.expression import evaluate, names, number, parenthesised, substitute
from cimspice.pdk.instances import Instance, instances, place_of
from cimspice.pdk.library import Library, Section, assignments, joined
from cimspice.pdk.model_slice import ModelSlice, assemble, check_corner, same_in_all_corners, subcircuit_of
from cimspice.pdk.slicer import Geometries, choose_bins, fixed_geometry, instance_bins
from cimspice.pdk.source import Pdk, locate
from cimspice.pdk.subcircuit import Bin, Subcircuit


def flatten_models(
    text: str, pdk: Pdk | None = None, corner: str = "tt", *, geometries: Geometries | None = None
) -> tuple[str, ModelSlice]:
    """Rewrite a netlist's transistors as M lines and make the slice that goes with them.

    Currents and charges of every transistor are the same to the last bit as with :func:`slice_models`, in all
    corners: numbers are written with the digits that ngspice itself would have used. What changes is the order of
    the equations, hence the rounding of a solution: operating points and transients differ by what the solver's
    tolerances leave open (a few 1e-16 V where it converges fully; see ``docs/pdk.md`` for figures).

    Parameters
    ----------
    text, pdk, corner, geometries
        As for :func:`slice_models`. Transistors whose geometry is an expression, and passive devices, stay X lines.

    Returns
    -------
    tuple[str, ModelSlice]
        The netlist, with as many lines as before, and its slice (corners switch as in any slice). Instance
        ``Xa`` becomes ``MXa``: see :func:`mosfet_path` with ``flat=True``.
    """
    check_corner(corner)
    pdk = pdk or locate()
    library = Library.open(pdk.library())
    section = library.section("tt")
    used = instances(text)
    choose_bins(used, section, geometries or {})  # refuses what no bin covers, with the line
    flattening = _Flattening(section)
    kept: list[Instance] = []
    lines = text.splitlines()
    for instance in used:
        if not instance.device.is_mosfet or fixed_geometry(instance) is None:
            kept.append(instance)
            continue
        same_in_all_corners(library, instance.device.name)
        span = instance.last - instance.first
        lines[instance.first : instance.last + 1] = [flattening.m_line(instance)] + ["*"] * span
    _check_names(text, used)
    bins = choose_bins(kept, section, geometries or {})
    models = tuple(flattening.models.values())
    devices = tuple(sorted({instance.device.name for instance in used}))
    made = assemble(pdk, library, bins, corner, models=models, shifts=flattening.shifts, devices=devices)
    return "\n".join(lines) + "\n", made


class _Flattening:
    """Collects one model and one threshold shift per device and geometry while lines are rewritten.

    ``models``: model name -> statement; ``shifts``: parameter name -> expression in the corner's parameters.
    """

    def __init__(self, section: Section) -> None:
        self._section = section
        self.models: dict[str, str] = {}
        self.shifts: dict[str, str] = {}

    def m_line(self, instance: Instance) -> str:
        """The M line that stands for an instance, entering its model if it is the first of its geometry."""
        subcircuit = subcircuit_of(self._section, instance.device)
        (element,) = (statement for statement in subcircuit.body if statement[0] in "mM")
        values = {**subcircuit.defaults, **instance.parameters}
        local = _resolved(values)
        settings = assignments(joined(element))
        shift = self._enter(instance, subcircuit, local, settings.pop("delvto", None))
        nodes = dict(zip(subcircuit.ports, instance.nodes, strict=True))
        words = joined(element).split()[1 : 1 + len(subcircuit.ports)]
        parts = [f"M{instance.name}", *(nodes[word] for word in words), _model_name(instance)]
        parts += [f"{name}={_literal(substitute(value, local))}" for name, value in settings.items()]
        delvto = [text for text in (shift, instance.parameters.get("delvto")) if text]
        if delvto:
            parts.append("delvto={" + "+".join(f"({parenthesised(text)})" for text in delvto) + "}")
        if "m" in instance.parameters:
            parts.append(f"m={_literal(instance.parameters['m'])}")
        return " ".join(parts)

    def _enter(
        self, instance: Instance, subcircuit: Subcircuit, local: dict[str, str], shift: str | None
    ) -> str | None:
        name = _model_name(instance)
        shift_name = f"delvto_{name}"
        if name not in self.models:
            bin_ = instance_bins(instance, subcircuit, None)[-1]
            self.models[name] = _model_statement(bin_, name, local)
            if shift is not None:
                self.shifts[shift_name] = substitute(parenthesised(shift), local)
        return shift_name if shift is not None else None


def _resolved(values: dict[str, str]) -> dict[str, str]:
    """Local parameters in terms of global ones and of the X line's texts."""
    resolved: dict[str, str] = {}
    for name in values:
        text = values[name]
        while local := names(text) & values.keys() - {name}:
            text = substitute(text, {other: values[other] for other in local})
        resolved[name] = text
    return resolved


def _model_statement(bin_: Bin, name: str, local: dict[str, str]) -> str:
    """A bin's model under another name, the subcircuit's parameters in it replaced."""

    def replaced(found: re.Match) -> str:
        return _literal(substitute(found[0], local)) if names(found[0]) & local.keys() else found[0]

    head, _, rest = bin_.text.partition(bin_.text.split()[1])
    return head + name + re.sub(r"\{[^{}]*\}", replaced, rest)


def _literal(text: str) -> str:
    """A number as ngspice writes the value of an expression into a line; other expressions in braces."""
    text = parenthesised(text)
    if names(re.sub(r"(?<=[\d.])e(?=[+-]?\d)", "", text, flags=re.I)):
        return "{" + text + "}"
    value = number(text)
    return f"{evaluate(text, _no_names) if value is None else value:.15e}"


def _no_names(name: str) -> float:
    raise ParameterError(f"{name!r} is no number")


def _model_name(instance: Instance) -> str:
    """Such as ``sky130_fd_pr__nfet_01v8__w1_l0p25``: one per device, width, length and number of fingers."""
    name = instance.device.name
    for key in ("w", "l", "nf"):
        if key in instance.parameters:
            name += f"_{key}{instance.value(key)!r}"
    return name.replace(".", "p").replace("-", "m").replace("+", "")


def _check_names(text: str, used: list[Instance]) -> None:
    taken = {line.split()[0].lower() for line in text.splitlines() if line[:1] in ("m", "M")}
    for instance in used:
        if "m" + instance.name.lower() in taken:
            raise ParameterError(
                f"flattening would make a second M{instance.name}",
                place=place_of(instance),
                remedy="rename one",
            )
