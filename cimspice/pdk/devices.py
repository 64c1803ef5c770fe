"""The SKY130 devices that slices know, what an X line may set, and where the MOSFET inside an instance is."""

import difflib
from dataclasses import dataclass

from cimspice.errors import PdkError

PREFIX = "sky130_fd_pr__"
_MOSFET_PARAMETERS = frozenset(
    ("w", "l", "nf", "ad", "as", "pd", "ps", "nrd", "nrs", "sa", "sb", "sd", "m", "delvto")
)
_SRAM_PARAMETERS = _MOSFET_PARAMETERS - {"nf", "sa", "sb", "sd"}
_PASSIVE_PARAMETERS = frozenset(("w", "l", "m"))
_FIXED_WIDTH_PARAMETERS = frozenset(("l", "m"))
_POLY_WIDTHS = ("0p35", "0p69", "1p41", "2p85", "5p73")


@dataclass(frozen=True)
class Device:
    """A subcircuit of the PDK."""

    name: str
    """Name of the subcircuit, in lower case."""
    kind: str
    """``"mosfet"``, ``"resistor"`` or ``"capacitor"``."""
    parameters: frozenset[str]
    """What an X line may set (lengths in micrometres, areas in square micrometres, ``delvto`` in volts)."""
    default: tuple[float, float] | None = None
    """Width and length in micrometres where the X line gives none; None: it has to."""

    @property
    def is_mosfet(self) -> bool:
        """True for transistors: binned models, ``delvto``."""
        return self.kind == "mosfet"


def _device(short: str, kind: str, parameters: frozenset[str]) -> tuple[str, Device]:
    return PREFIX + short, Device(PREFIX + short, kind, parameters)


DEVICES: dict[str, Device] = dict(
    [
        _device("nfet_01v8", "mosfet", _MOSFET_PARAMETERS),
        _device("nfet_01v8_lvt", "mosfet", _MOSFET_PARAMETERS),
        _device("nfet_g5v0d10v5", "mosfet", _MOSFET_PARAMETERS),
        _device("pfet_01v8", "mosfet", _MOSFET_PARAMETERS),
        _device("pfet_01v8_lvt", "mosfet", _MOSFET_PARAMETERS),
        _device("pfet_01v8_hvt", "mosfet", _MOSFET_PARAMETERS),
        _device("special_nfet_latch", "mosfet", _SRAM_PARAMETERS),
        _device("special_nfet_pass", "mosfet", _SRAM_PARAMETERS),
        _device("special_pfet_latch", "mosfet", _SRAM_PARAMETERS),
        _device("res_high_po", "resistor", _PASSIVE_PARAMETERS),
        _device("res_xhigh_po", "resistor", _PASSIVE_PARAMETERS),
        *(_device(f"res_high_po_{width}", "resistor", _FIXED_WIDTH_PARAMETERS) for width in _POLY_WIDTHS),
        *(_device(f"res_xhigh_po_{width}", "resistor", _FIXED_WIDTH_PARAMETERS) for width in _POLY_WIDTHS),
        _device("cap_mim_m3_1", "capacitor", _PASSIVE_PARAMETERS),
        _device("cap_mim_m3_2", "capacitor", _PASSIVE_PARAMETERS),
    ]
)
"""Devices by the name of their subcircuit."""


def device(name: str, *, place: str = "") -> Device:
    """The device of that name, with or without ``sky130_fd_pr__``; PdkError if slices do not know it."""
    full = name.lower() if name.lower().startswith(PREFIX) else PREFIX + name.lower()
    found = DEVICES.get(full)
    if found:
        return found
    if full == PREFIX + "special_pfet_pass":
        raise PdkError(
            "special_pfet_pass of the PDK never loads (its subcircuit is broken)",
            place=place,
            remedy=f"use {PREFIX}special_pfet_latch: it is the same transistor under its corrected name",
        )
    near = difflib.get_close_matches(full, DEVICES, n=1, cutoff=0.8)
    known = ", ".join(key.removeprefix(PREFIX) for key in DEVICES)
    remedy = (f"did you mean {near[0]}? " if near else "") + f"known devices ({PREFIX}...): {known}"
    raise PdkError(f"unknown SKY130 device {name!r}", place=place, remedy=remedy)


def mosfet_path(instance: str, name: str, *, flat: bool = False) -> str:
    """Name of the MOSFET inside an instance, for ``alter @<path>[delvto] = ...`` and ``save @<path>[id]``.

    Parameters
    ----------
    instance
        Name of the X line, with the X; inside subcircuits with their instances in front: ``"xcell.xpull"``.
    name
        The device, for instance ``"sky130_fd_pr__nfet_01v8"``.
    flat
        True for a flattened netlist, where the transistor is an M line of its own.

    Returns
    -------
    str
        For instance ``"m.xcell.xpull.msky130_fd_pr__nfet_01v8"``; flat ``"m.xcell.mxpull"``, and
        ``"mxpull"`` at top level.

    Notes
    -----
    ``alter @...[delvto]`` sets the whole threshold shift, the corner's own part included, whereas the X
    line's ``delvto=`` is added to that part: :func:`cimspice.pdk.mismatch_alterations` adds it.
    """
    found = device(name)
    if not found.is_mosfet:
        raise PdkError(f"{found.name} is a {found.kind}, not a MOSFET", place=instance)
    instance = instance.lower()
    if not flat:
        return f"m.{instance}.m{found.name}"
    parent, _, last = instance.rpartition(".")
    return f"m.{parent}.m{last}" if parent else f"m{last}"
