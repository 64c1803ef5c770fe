"""A netlist whose transistors are M lines with one top-level model per geometry.

ngspice copies the models of a subcircuit for each of its instances. Measured with 600 transistors of two
geometries: loading takes 3.4 s and 640 MB with all bins, 0.43 s and 41 MB with a slice, 0.06 s and 19 MB
here.
"""

import re

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.cache import cached
from cimspice.pdk.expression import evaluate, names, number, parenthesised, substitute
from cimspice.pdk.instances import Instance, instances, place_of
from cimspice.pdk.library import Library, Section, assignments, joined
from cimspice.pdk.model_slice import ModelSlice, assemble, check_corner, same_in_all_corners, subcircuit_of
from cimspice.pdk.slicer import Geometries, cache_key, choose_bins, fixed_geometry, instance_bins, usage
from cimspice.pdk.source import Pdk, locate
from cimspice.pdk.subcircuit import Bin


def flatten_models(
    text: str,
    pdk: Pdk | None = None,
    corner: str = "tt",
    *,
    geometries: Geometries | None = None,
    body_network: bool = True,
) -> tuple[str, ModelSlice]:
    """Rewrite a netlist's transistors as M lines and make the slice that goes with them.

    Every transistor's equations and numbers are those of :func:`slice_models` to the last bit, in all
    corners: values are written with the digits that ngspice itself would have written. Operating points and
    AC of circuits whose devices do not interact are equal to the last bit; in coupled circuits the order of
    the equations differs, so results differ by what the solver's tolerances leave open (``docs/pdk.md``).

    Parameters
    ----------
    text, pdk, corner, geometries
        As for :func:`slice_models`. Passive devices and transistors whose geometry is an expression stay X
        lines.
    body_network
        False leaves out the five 50-ohm resistors and three inner nodes of every BSIM4 transistor's body
        (``rbodymod = 0``): a third less time in a transient, and an approximation (``docs/pdk.md``).

    Returns
    -------
    tuple[str, ModelSlice]
        The netlist, with as many lines as before, and its slice (corners switch as in any slice). Instance
        ``Xa`` becomes ``MXa``: see :func:`mosfet_path` with ``flat=True``.
    """
    check_corner(corner)
    pdk = pdk or locate()
    used = instances(text)
    content = ["flat", body_network, cache_key(used, pdk, corner, geometries)]
    made = cached(content, lambda: _flatten(used, pdk, corner, geometries or {}, body_network))
    taken = {line.split()[0].lower() for line in text.splitlines() if line[:1] in ("m", "M")}
    lines = text.splitlines()
    for instance in used:
        tail = made["tails"].get(usage(instance))
        if tail is None:
            continue
        if "m" + instance.name.lower() in taken:
            message = f"flattening would make a second M{instance.name}"
            raise ParameterError(message, place=place_of(instance), remedy="rename one of them")
        lines[instance.first : instance.last + 1] = [
            _m_line(instance, tail),
            *["*"] * (instance.last - instance.first),
        ]
    return "\n".join(lines) + "\n", ModelSlice.from_dict(made["slice"])


def _m_line(instance: Instance, tail: dict[str, str]) -> str:
    parts = [f"M{instance.name}", *instance.nodes, tail["model"], tail["settings"]]
    shifts = [text for text in (tail["shift"], instance.parameters.get("delvto")) if text]
    if shifts:
        parts.append("delvto={" + "+".join(f"({parenthesised(text)})" for text in shifts) + "}")
    if "m" in instance.parameters:
        parts.append(f"m={_literal(instance.parameters['m'])}")
    return " ".join(parts)


def _flatten(used: list[Instance], pdk: Pdk, corner: str, geometries: Geometries, body_network: bool) -> dict:
    """What can be cached: the slice, and for each kind of use its model and settings (``tails``)."""
    library = Library.open(pdk.library())
    section = library.section("tt")
    choose_bins(used, section, geometries)  # refuses what no bin covers, with its line
    flattening = _Flattening(section)
    kept: list[Instance] = []
    tails: dict[str, dict[str, str]] = {}
    for instance in used:
        if not instance.device.is_mosfet or fixed_geometry(instance) is None:
            kept.append(instance)
        elif usage(instance) not in tails:
            same_in_all_corners(library, instance.device.name)
            tails[usage(instance)] = flattening.tail(instance)
    models = tuple(flattening.models.values())
    if not body_network:
        models = tuple(re.sub(r"\brbodymod = 1\b", "rbodymod = 0", model) for model in models)
    made = assemble(
        pdk,
        library,
        choose_bins(kept, section, geometries),
        corner,
        models=models,
        shifts=flattening.shifts,
        devices=tuple(sorted({instance.device.name for instance in used})),
    )
    return {"slice": made.to_dict(), "tails": tails}


class _Flattening:
    """Collects one model and one threshold shift per device and geometry.

    ``models``: model name -> statement; ``shifts``: parameter name -> expression in the corner's parameters.
    """

    def __init__(self, section: Section) -> None:
        self._section = section
        self.models: dict[str, str] = {}
        self.shifts: dict[str, str] = {}

    def tail(self, instance: Instance) -> dict[str, str]:
        """Model, settings and shift parameter of an M line, entering the model if its geometry is new."""
        subcircuit = subcircuit_of(self._section, instance.device)
        (element,) = (joined(statement) for statement in subcircuit.body if statement[0] in "mM")
        if tuple(element.split()[1 : 1 + len(subcircuit.ports)]) != subcircuit.ports:
            raise PdkError(
                f"the transistor inside {subcircuit.name} has other nodes", remedy="use the pinned PDK"
            )
        local = _resolved({**subcircuit.defaults, **instance.parameters})
        settings = assignments(element)
        shift = settings.pop("delvto", None)
        name = _model_name(instance)
        if name not in self.models:
            self.models[name] = _model_statement(instance_bins(instance, subcircuit, None)[-1], name, local)
            if shift is not None:
                self.shifts[f"delvto_{name}"] = substitute(parenthesised(shift), local)
        written = " ".join(f"{key}={_literal(substitute(value, local))}" for key, value in settings.items())
        return {"model": name, "settings": written, "shift": f"delvto_{name}" if shift is not None else ""}


def _resolved(values: dict[str, str]) -> dict[str, str]:
    """Local parameters in terms of global ones and of the X line's texts."""
    resolved: dict[str, str] = {}
    for name, text in values.items():
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
    """Such as ``sky130_fd_pr__nfet_01v8_w1p0_l0p25``: one per device, width, length and number of fingers."""
    name = instance.device.name
    for key in ("w", "l", "nf"):
        if key in instance.parameters:
            name += f"_{key}{instance.value(key)!r}"
    return name.replace(".", "p").replace("-", "m").replace("+", "")
