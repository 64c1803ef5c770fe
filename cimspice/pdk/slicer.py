"""A library of a few kilobytes for one netlist: the devices it uses, the bins its geometries need."""

from collections.abc import Collection, Mapping
from functools import lru_cache

from cimspice.errors import ParameterError
from cimspice.pdk.cache import cached
from cimspice.pdk.devices import PREFIX, device
from cimspice.pdk.instances import Instance, instances, place_of
from cimspice.pdk.library import Library, Section
from cimspice.pdk.model_slice import ModelSlice, assemble, check_corner, subcircuit_of
from cimspice.pdk.source import Pdk, locate
from cimspice.pdk.subcircuit import Bin, Subcircuit

Geometries = Mapping[str, Collection[tuple[float, float]]]
"""Device name -> (width, length) pairs in micrometres that an expression on an X line will take."""


def slice_models(
    text: str, pdk: Pdk | None = None, corner: str = "tt", *, geometries: Geometries | None = None
) -> ModelSlice:
    """Cut the library that a netlist needs out of the full one.

    Parameters
    ----------
    text
        Netlist; its first line is the title. Devices stand on X lines, lengths in micrometres, as numbers or
        as expressions of the netlist's parameters: then all bins of the device are kept, or those that
        ``geometries`` needs.
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
    content = ["slice", cache_key(used, pdk, corner, geometries)]

    def make() -> dict:
        library = Library.open(pdk.library())
        chosen = choose_bins(used, library.section("tt"), geometries or {})
        return _assembled(pdk, tuple((name, tuple(bins)) for name, bins in chosen.items()), corner)

    return ModelSlice.from_dict(cached(content, make))


@lru_cache(maxsize=64)
def _assembled(pdk: Pdk, chosen: tuple[tuple[str, tuple[Bin, ...]], ...], corner: str) -> dict:
    """The slice of these devices and bins: one for all geometries that take the same bins."""
    return assemble(pdk, Library.open(pdk.library()), dict(chosen), corner).to_dict()


def usage(instance: Instance) -> str:
    """What a slice depends on of one X line: everything but its name, nodes, ``m`` and ``delvto``."""
    settings = sorted(item for item in instance.parameters.items() if item[0] not in ("m", "delvto"))
    return f"{instance.device.name} {len(instance.nodes)} {settings}"


def cache_key(used: list[Instance], pdk: Pdk, corner: str, geometries: Geometries | None) -> list:
    """JSON-able content that determines a slice."""
    given = sorted((name, [list(pair) for pair in pairs]) for name, pairs in (geometries or {}).items())
    return [
        pdk.digest,
        pdk.source,
        pdk.version,
        corner,
        given,
        sorted({usage(instance) for instance in used}),
    ]


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
    """(width of one finger, length) in micrometres if the X line gives numbers, None for expressions."""
    values = {}
    for name in ("w", "l", "nf"):
        values[name] = instance.value(name) if name in instance.parameters else 1.0
    if None in values.values():
        return None
    return values["w"] / values["nf"], values["l"]


def _range(subcircuit: Subcircuit) -> str:
    bins = subcircuit.bins
    width = min(b.width_min for b in bins) * 1e6, max(b.width_max for b in bins) * 1e6
    length = min(b.length_min for b in bins) * 1e6, max(b.length_max for b in bins) * 1e6
    note = "" if len(bins) > 2 else f" (this is one of the PDK's fixed cells, {PREFIX}special_*)"
    return f"W {width[0]:g} to {width[1]:g} µm, L {length[0]:g} to {length[1]:g} µm{note}"
