"""Global (lot-to-lot) process variation: parameter values for ``alterparam``, drawn here.

The PDK's section ``mc`` is of no use for this: it redraws its global parameters wherever they are used, so
that neighbouring devices are uncorrelated; its ``GAUSS(0, x, 1)`` is a relative spread about zero, that is
nothing; its log-normal terms are added to the nominal value instead of multiplying it; and its threshold
spreads are constants. What was meant stands in the PDK's ``vary`` comments, and those are read here.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cimspice.errors import PdkError
from cimspice.pdk.corners import global_value
from cimspice.pdk.draws import standard_normal
from cimspice.pdk.expression import evaluate, names
from cimspice.pdk.library import Library, Section
from cimspice.pdk.model_slice import ModelSlice, check_corner
from cimspice.pdk.source import Pdk, locate

_VARY = re.compile(
    r"^\*\s+vary\s+(?P<name>\w+)\s+dist=(?P<kind>gauss|lnorm)\s+std=(?P<std>[\d.eE+-]+)\*process_mc_factor"
    r"(?P<percent>\s+percent=yes)?",
    re.M,
)
_DRIVER = re.compile(r"\bagauss\(0,([\d.eE+-]+),1\)", re.I)
_PARAMETER_LINE = re.compile(r"^\.param\s+(\w+)\s*=", re.M)


@dataclass(frozen=True)
class Spread:
    """How a global parameter varies.

    ``kind`` is ``"absolute"`` (std in the parameter's unit), ``"relative"`` (std of the relative deviation)
    or ``"log-normal"`` (std of the logarithm).
    """

    kind: str
    std: float

    def apply(self, nominal: float, deviate: float) -> float:
        """The parameter's value for a draw from N(0, 1)."""
        if self.kind == "absolute":
            return nominal + self.std * deviate
        if self.kind == "relative":
            return nominal * (1.0 + self.std * deviate)
        return nominal * math.exp(self.std * deviate)


def process_spreads(pdk: Pdk | None = None) -> dict[str, Spread]:
    """The PDK's global parameters that vary from lot to lot, and by how much (its ``vary`` comments).

    Raises
    ------
    PdkError
        If the library has no such comments.
    """
    return dict(_spreads((pdk or locate()).library()))


def draw_process(
    models: ModelSlice, seed: int, sample: int = 0, *, corner: str = "tt", pdk: Pdk | None = None
) -> dict[str, float]:
    """Values of one lot's global parameters, as far as a slice depends on them.

    Parameters
    ----------
    models
        The slice whose circuit they are for.
    seed, sample
        Each parameter's draw is a function of these and its name alone.
    corner
        About which corner to vary (the spread about ``"tt"`` is the PDK's meaning).
    pdk
        Where the models are; found if not given.

    Returns
    -------
    dict[str, float]
        Parameter -> value for ``alterparam``; then ``reset``.

    Notes
    -----
    The SRAM transistors vary through the PDK's older drivers (``lvn_threshold``, ``lvtox``, ...), which are
    drawn apart from the newer parameters. The PDK gives none for ``special_pfet_latch``: it stays at its
    corner.
    """
    check_corner(corner)
    library = Library.open((pdk or locate()).library())
    section, varied = library.section(corner), library.section("mc")
    present = {name.lower() for name in _PARAMETER_LINE.findall(models.text)}
    values: dict[str, float] = {}
    for name, spread in _spreads(library.path).items():
        if name in present:
            deviate = standard_normal(seed, sample, name)
            values[name] = spread.apply(global_value(section, name), deviate)
    for name in sorted(present & varied.parameters.keys() - values.keys()):
        shift = _driven_shift(varied, name, seed, sample)
        if shift is not None:
            values[name] = global_value(section, name) + shift
    return values


def _driven_shift(varied: Section, name: str, seed: int, sample: int) -> float | None:
    """Deviation of a parameter that section ``mc`` writes as a polynomial of random drivers, else None."""
    expression = varied.parameters[name]
    drivers = {
        other: float(found[1])
        for other in names(expression)
        if other in varied.parameters and (found := _DRIVER.search(varied.parameters[other]))
    }
    if not drivers:
        return None
    drawn = {other: std * standard_normal(seed, sample, other) for other, std in drivers.items()}
    return evaluate(expression, lambda other: drawn[other]) - evaluate(expression, lambda other: 0.0)


@lru_cache(maxsize=4)
def _spreads(library: Path) -> dict[str, Spread]:
    text = ""
    for path in Library.open(library).section("tt").files:
        if path.name == "models_global.spice":
            text = path.read_text(encoding="latin-1")
    spreads = {}
    for found in _VARY.finditer(text):
        std = float(found["std"])
        if found["kind"] == "lnorm":
            spread = Spread("log-normal", std)
        else:
            spread = Spread("relative", std / 100.0) if found["percent"] else Spread("absolute", std)
        spreads[found["name"].lower()] = spread
    if not spreads:
        raise PdkError("the library does not say how its global parameters vary", place=str(library))
    return spreads
