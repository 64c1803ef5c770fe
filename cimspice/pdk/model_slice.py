"""The small library itself: its text, its corners' numbers, how the pieces are put together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from cimspice.errors import PdkError
from cimspice.pdk.corners import parameters_for
from cimspice.pdk.devices import Device, device
from cimspice.pdk.library import Library, Section, joined
from cimspice.pdk.source import CORNERS, Pdk
from cimspice.pdk.subcircuit import Bin, Subcircuit, parse_subcircuit

_HEADER = "* SKY130 models, Apache-2.0, SkyWater PDK authors; cut from {source} {version} for: {devices}\n"
_SCALE = ".option scale=1.0u\n.options parser scale=1.0u\n"


@dataclass(frozen=True)
class ModelSlice:
    """A small library that equals the full one for the netlist it was made for."""

    text: str
    """SPICE text to append to the netlist. It sets ``scale`` (lengths in micrometres), as the PDK does."""
    corner: str
    """The corner whose numbers the text holds."""
    corner_parameters: dict[str, dict[str, float]]
    """Corner -> parameter -> value. Setting all of one corner's with ``alterparam``, written with ``repr``,
    and then ``reset`` switches a loaded circuit to that corner."""
    devices: tuple[str, ...]
    """Names of the devices (subcircuits) in it."""
    digest: str
    """SHA-256 (hex) of text and corner parameters."""

    def at_corner(self, corner: str) -> ModelSlice:
        """The same slice with another corner's numbers; PdkError if there is no such corner."""
        check_corner(corner)
        values = self.corner_parameters[corner]
        lines = self.text.splitlines(keepends=True)
        for position, line in enumerate(lines):
            name = line.split()[1] if line.startswith(".param ") else ""
            if name in values:
                lines[position] = f".param {name} = {values[name]!r}\n"
        return make_slice("".join(lines), corner, self.corner_parameters, self.devices)

    def to_dict(self) -> dict:
        """JSON-able content."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> ModelSlice:
        """The slice that :meth:`to_dict` wrote."""
        corners = {corner: dict(values) for corner, values in content["corner_parameters"].items()}
        devices = tuple(content["devices"])
        return cls(content["text"], content["corner"], corners, devices, content["digest"])


def make_slice(
    text: str, corner: str, corner_parameters: dict[str, dict[str, float]], devices: tuple[str, ...]
) -> ModelSlice:
    """A slice with its digest."""
    content = repr((text, sorted((key, sorted(value.items())) for key, value in corner_parameters.items())))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return ModelSlice(text, corner, corner_parameters, devices, digest)


def assemble(
    pdk: Pdk,
    library: Library,
    bins: Mapping[str, Iterable[Bin]],
    corner: str,
    *,
    models: tuple[str, ...] = (),
    shifts: Mapping[str, str] | None = None,
    devices: tuple[str, ...] | None = None,
) -> ModelSlice:
    """The slice that holds the given bins of the given devices' subcircuits.

    Parameters
    ----------
    bins
        Device -> the bins of its subcircuit to keep (none for a passive device).
    models
        Further ``.model`` statements at top level (a flattened netlist's).
    shifts
        Further parameters, name -> expression (a flattened netlist's threshold shifts).
    devices
        Names to report; those of ``bins`` by default.
    """
    section = library.section("tt")
    texts: dict[str, str] = {}
    for name, kept in bins.items():
        same_in_all_corners(library, name)
        used = device(name)
        text = subcircuit_of(section, used).text(tuple(kept))
        texts[name] = with_threshold_shift(text, used) if used.is_mosfet else text
    texts |= _inner_subcircuits(section, texts)
    outer = (*_outer_models(section, texts), *models)
    shift_lines = [f".param {name} = {{{expression}}}" for name, expression in (shifts or {}).items()]
    parameters = parameters_for(library, [*texts.values(), *outer, *shift_lines])
    devices = tuple(bins) if devices is None else devices
    text = _HEADER.format(source=pdk.source, version=pdk.version, devices=" ".join(devices) or "no device")
    text += _SCALE + parameters.text(corner)
    text += "".join(statement + "\n" for statement in (*shift_lines, *outer)) + "".join(texts.values())
    return make_slice(text, corner, parameters.by_corner, devices)


def subcircuit_of(section: Section, used: Device) -> Subcircuit:
    """The library's subcircuit of a device, taken apart."""
    text = section.subcircuits.get(used.name)
    if text is None:
        missing = ", ".join(str(path) for path in section.missing[:3])
        raise PdkError(
            f"the library holds no {used.name}",
            place=f"files that it includes are missing: {missing}" if missing else str(section.files[0]),
            remedy="use the pinned PDK: unset PDK_ROOT and run `cimspice pdk install`",
        )
    return parse_subcircuit(text)


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


def same_in_all_corners(library: Library, name: str) -> None:
    """PdkError if a subcircuit's text depends on the corner, so that parameters alone cannot switch it."""
    reference = library.section("tt").subcircuits.get(name)
    for corner in CORNERS:
        if library.section(corner).subcircuits.get(name) != reference:
            raise PdkError(
                f"{name} is another subcircuit in corner {corner!r}: corners cannot be switched",
                place=str(library.path),
                remedy="use an open_pdks with libs.tech/combined, or unset PDK_ROOT (`cimspice pdk install`)",
            )


def _inner_subcircuits(section: Section, texts: dict[str, str]) -> dict[str, str]:
    """Subcircuits that the chosen ones use inside, and those that these use."""
    found: dict[str, str] = {}
    waiting = list(texts.values())
    while waiting:
        for statement in parse_subcircuit(waiting.pop()).body:
            if statement[0] not in "xX":
                continue
            for name in (word.lower() for word in joined(statement).split()[1:]):
                if name in section.subcircuits and name not in texts and name not in found:
                    inner = parse_subcircuit(section.subcircuits[name])
                    found[name] = inner.text(inner.bins)
                    waiting.append(section.subcircuits[name])
    return found


def _outer_models(section: Section, texts: dict[str, str]) -> list[str]:
    words = {word.lower() for text in texts.values() for word in text.split()}
    return [statement for name, statement in section.models.items() if name in words]
