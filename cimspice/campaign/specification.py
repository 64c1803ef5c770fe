"""What a campaign sweeps, read from a TOML file or from a call; all that is wrong is reported at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from cimspice.bench import Bench, bench
from cimspice.bench.bench_call import analysis_of
from cimspice.campaign.adaptive_settings import Adaptive, check_adaptive
from cimspice.campaign.check import (
    Problems,
    check_limits,
    check_names,
    check_parameters,
    check_sweep,
)
from cimspice.campaign.figure import Figure, check_figures
from cimspice.campaign.fit_request import FitRequest, check_fits
from cimspice.campaign.limits import Limit
from cimspice.campaign.monte_carlo import MonteCarlo
from cimspice.campaign.override import apply_overrides
from cimspice.campaign.policy import FailurePolicy
from cimspice.documents import parse_toml
from cimspice.errors import CimspiceError, ParameterError
from cimspice.files import read_plain


class Keep(BaseModel):
    """``[keep]``: nothing but what the bench measures, unless this says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waveforms: StrictBool | tuple[str, ...] = Field(default=False)
    """True: all vectors that the bench's analysis saves; a list: those of the names (``"out"``,
    ``"vdd#branch"``; ``"v(out)"`` and ``"i(vdd)"`` are understood)."""

    @property
    def vectors(self) -> tuple[str, ...] | None:
        """Names of the vectors, as a session has them; empty: all that are saved; None: keep none."""
        if not self.waveforms:
            return None
        if self.waveforms is True:
            return ()
        from cimspice.spice.waveforms import plain_name

        return tuple(plain_name(name) for name in self.waveforms)


def check_keep(bench: Bench, values: Mapping[str, Any], keep: Keep, problems: Problems) -> None:
    """Vectors asked for against those that the analysis saves at the given parameters (one that names none
    saves all, which only ngspice knows).
    """
    if "point" in (*bench.Parameters.model_fields, *bench.columns) and keep.vectors is not None:
        problems.add("keep.waveforms", keep.waveforms, f"bench {bench.name} uses the name 'point' itself")
    try:
        saved = analysis_of(bench, bench.Parameters.model_validate(values)).save
    except CimspiceError:
        return  # reported already, as a fault of the parameters
    for name in keep.vectors or ():
        if saved and name not in saved:
            problems.add("keep.waveforms", name, f"bench {bench.name} saves {', '.join(saved)}")


LARGEST_FILE = 1 << 20  # bytes; a campaign file is a page of text
SECTIONS = (
    "campaign",
    "parameters",
    "sweep",
    "monte_carlo",
    "limit",
    "failures",
    "keep",
    "adaptive",
    "fit",
    "figure",
)


class CampaignSection(BaseModel):
    """``[campaign]``: the bench by name, and a title for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bench: str = Field(min_length=1)
    title: str = ""


@dataclass(frozen=True)
class AxisGroup:
    """Parameters that are swept together: one axis, or several zipped ones. ``values[i]`` has one per
    name.
    """

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Specification:
    """A checked campaign."""

    bench: Bench
    """What is run."""
    title: str
    """For people."""
    parameters: dict[str, Any]
    """Fixed parameters, as given; the bench's defaults hold for the rest."""
    groups: tuple[AxisGroup, ...]
    """Sweep axes; the points are their product with corners and temperatures."""
    corners: tuple[str, ...] = ("tt",)
    temperatures: tuple[float, ...] = (27.0,)
    """``corners``, ``temperatures``: process corners by name; temperatures in degrees Celsius."""
    figures: tuple[Figure, ...] = ()
    """Figures to draw from the table."""
    source: str = "call"
    """Where it came from, for messages: a path, or ``"call"``."""
    monte_carlo: MonteCarlo | None = None
    """Samples of every point; None: there are none."""
    limits: tuple[Limit, ...] = ()
    """What the table is held against, in the columns' units."""
    policy: FailurePolicy = field(default_factory=FailurePolicy)
    """What becomes of points that fail."""
    keep: Keep = field(default_factory=Keep)
    """What is kept besides the table."""
    adaptive: Adaptive | None = None
    """How points are chosen from the grid; None: all are run."""
    fits: tuple[FitRequest, ...] = ()
    """Models to fit to the table; whoever runs the campaign does it."""

    @property
    def points(self) -> int:
        """Number of points of the whole grid."""
        samples = self.monte_carlo.samples if self.monte_carlo else 1
        swept = prod(len(group.values) for group in self.groups)
        return swept * len(self.corners) * len(self.temperatures) * samples

    @property
    def most_points(self) -> int:
        """Number of points that are run, at most if they are chosen."""
        return self.points if self.adaptive is None else min(self.points, self.adaptive.budget)

    @property
    def swept(self) -> tuple[str, ...]:
        """Names of the swept parameters, in the file's order."""
        return tuple(name for group in self.groups for name in group.names)


def read_specification(path: Path | str, overrides: Iterable[str] = ()) -> Specification:
    """Read ``characterize/*.toml``.

    Parameters
    ----------
    path
        The file.
    overrides
        ``key=value`` texts that take the place of what the file says; see ``cimspice.campaign.override``.

    Raises
    ------
    ParameterError
        If the file cannot be read or anything in it is wrong; the message names file, key, value and what is
        allowed, for every problem.
    """
    path = Path(path)
    try:
        content = read_plain(path, LARGEST_FILE)
    except OSError as error:
        raise ParameterError(
            f"cannot read campaign file: {error.strerror}",
            place=str(path),
            remedy="give a plain file that may be read",
        ) from error
    try:
        raw = parse_toml(content)
    except ValueError as error:
        raise ParameterError(
            f"not a TOML file: {error}", place=str(path), remedy="correct this line"
        ) from error
    return parse_specification(apply_overrides(raw, overrides), source=str(path))


def parse_specification(raw: Mapping[str, Any], *, source: str = "call") -> Specification:
    """Check a campaign given as a mapping of the sections that a file has.

    Raises
    ------
    ParameterError
        As `read_specification`.
    """
    problems = Problems()
    problems.unknown_keys("", raw, SECTIONS)
    section = _validated(CampaignSection, raw.get("campaign", {}), "campaign", problems)
    figures = _several(Figure, raw, "figure", problems)
    limits = _several(Limit, raw, "limit", problems)
    fits = _several(FitRequest, raw, "fit", problems)
    policy = _validated(FailurePolicy, raw.get("failures", {}), "failures", problems)
    keep = _validated(Keep, raw.get("keep", {}), "keep", problems) or Keep()
    monte_carlo = raw.get("monte_carlo")
    if monte_carlo is not None:
        monte_carlo = _validated(MonteCarlo, monte_carlo, "monte_carlo", problems)
    adaptive = raw.get("adaptive")
    if adaptive is not None:
        adaptive = _validated(Adaptive, adaptive, "adaptive", problems)
    fixed = problems.table("parameters", raw.get("parameters", {}))
    sweep = check_sweep(problems.table("sweep", raw.get("sweep", {})), problems)

    found = _bench(raw.get("campaign"), problems)
    if found is not None:
        check_parameters(found, fixed, sweep, problems)
        given = (*fixed, *sweep.axes)
        check_names(found, monte_carlo is not None, bool(limits), problems)
        named = (*given, *(["sample"] if monte_carlo else []))
        check_figures(found, named, figures, problems)
        check_fits(found, named, fits, problems)
        limits = check_limits(found, limits, problems)
        if adaptive is not None:
            check_adaptive(found, adaptive, sweep, raw, problems)
        if not problems.found:
            check_keep(
                found, fixed | {name: values[0] for name, values in sweep.axes.items()}, keep, problems
            )
    if problems.found or section is None or found is None:
        raise problems.error(source)
    groups = tuple(
        AxisGroup(names, tuple(zip(*(sweep.axes[name] for name in names), strict=True)))
        for names in sweep.groups()
    )
    return Specification(
        bench=found,
        title=section.title or found.title,
        parameters=dict(fixed),
        groups=groups,
        corners=sweep.corners,
        temperatures=sweep.temperatures,
        figures=tuple(figures),
        source=source,
        monte_carlo=monte_carlo,
        limits=tuple(limits),
        policy=policy,
        keep=keep,
        adaptive=adaptive,
        fits=tuple(fits),
    )


def _bench(section: object, problems: Problems) -> Bench | None:
    """The bench, even where the section has other faults: then they can be reported together."""
    name = section.get("bench") if isinstance(section, Mapping) else None
    if not isinstance(name, str) or not name:
        return None
    try:
        return bench(name)
    except ParameterError as error:
        problems.add("campaign.bench", name, f"{error.message}; {error.remedy}")
        return None


def _validated(model: type[Any], raw: object, place: str, problems: Problems) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems.add_validation(place, error, allowed=tuple(model.model_fields))
        return None


def _several(model: type[Any], raw: Mapping[str, Any], name: str, problems: Problems) -> list[Any]:
    """Tables written as ``[[name]]``; those with faults are noted and left out."""
    tables = raw.get(name, [])
    tables = [tables] if isinstance(tables, Mapping) else tables  # one may be written as [name]
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        problems.add(name, tables, f"{name}s are written as [[{name}]] tables")
        return []
    parsed = [_validated(model, item, f"{name}[{index}]", problems) for index, item in enumerate(tables)]
    return [one for one in parsed if one is not None]
