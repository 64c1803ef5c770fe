"""What may be wrong with a campaign: each problem with its key, value and what is allowed, gathered, reported
at once.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from cimspice.bench import Bench
from cimspice.campaign.axis import axis_values
from cimspice.campaign.limits import WITHIN, Limit
from cimspice.errors import ParameterError
from cimspice.pdk import CORNERS

_SUBJECT = re.compile(
    r"(?:unknown parameter |parameter )?(\w+)"
)  # whom a line of a parameter model's error is about
_MOST_SHOWN = 40
_ENOUGH = 1000  # problems, after which no further values are tried


class Problems:
    """Problems found so far, as lines ``key = value: what is wrong``."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, key: str, value: object, what: str) -> None:
        """Note one problem of ``key``, which was given as ``value``."""
        text = repr(value)
        self.found.append(f"{key} = {text if len(text) <= 60 else text[:57] + '...'}: {what}")

    def unknown_keys(self, place: str, raw: Mapping[str, Any], allowed: Sequence[str]) -> None:
        """Note every key that is not one of ``allowed``."""
        for key in raw:
            if key not in allowed:
                self.found.append(
                    f"{place}{key}: unknown key{near(key, allowed)}; allowed: {', '.join(allowed)}"
                )

    def add_validation(self, place: str, error: ValidationError, allowed: Sequence[str]) -> None:
        """Note every fault that pydantic found."""
        for fault in error.errors(include_url=False):
            key = ".".join([place, *(str(part) for part in fault["loc"])])
            if fault["type"] == "extra_forbidden":
                name = str(fault["loc"][-1])
                self.found.append(f"{key}: unknown key{near(name, allowed)}; allowed: {', '.join(allowed)}")
            elif fault["type"] == "missing":
                self.found.append(f"{key}: missing")
            else:
                self.add(key, fault["input"], fault["msg"].removeprefix("Value error, "))

    def table(self, key: str, raw: object) -> dict[str, Any]:
        """``raw`` as a table; noted as a problem, and empty, if it is none."""
        if isinstance(raw, Mapping):
            return dict(raw)
        self.add(key, raw, f"must be a table: [{key}]")
        return {}

    def error(self, source: str) -> ParameterError:
        """All problems as one exception that names the source."""
        shown = self.found[:_MOST_SHOWN]
        more = len(self.found) - len(shown)
        lines = "\n".join(f"  {line}" for line in [*shown, *([f"and {more} more"] if more else [])])
        count = "1 problem" if len(self.found) == 1 else f"{len(self.found)} problems"
        return ParameterError(
            f"{count} in the campaign:\n{lines}", place=source, remedy="correct these; nothing has been run"
        )


@dataclass
class Sweep:
    """The sweep section, checked as far as it goes without the bench."""

    axes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    zipped: list[tuple[str, ...]] = field(default_factory=list)
    corners: tuple[str, ...] = ("tt",)
    temperatures: tuple[float, ...] = (27.0,)

    def groups(self) -> list[tuple[str, ...]]:
        """Names that run together: the zipped ones, and each other axis alone; in the order of the axes."""
        together = {name: names for names in self.zipped for name in names}
        return list(dict.fromkeys(together.get(name, (name,)) for name in self.axes))


def check_sweep(raw: Mapping[str, Any], problems: Problems) -> Sweep:
    """Axes, corners and temperatures of ``[sweep]``; what is wrong is noted and left out."""
    sweep = Sweep()
    for key, value in raw.items():
        if key == "zip":
            continue
        if key in ("corner", "temperature"):
            problems.add(f"sweep.{key}", value, f"write {key}s = [...]")
            continue
        try:
            values = axis_values(value)
        except ValidationError as error:
            problems.add_validation(f"sweep.{key}", error, ("start", "stop", "step", "num", "scale"))
        except ValueError as error:
            problems.add(f"sweep.{key}", value, str(error))
        else:
            if key == "corners":
                sweep.corners = _corners(values, problems)
            elif key == "temperatures":
                sweep.temperatures = _temperatures(values, problems)
            else:
                sweep.axes[key] = values
    _zip(raw, sweep, problems)
    return sweep


def _corners(values: tuple[Any, ...], problems: Problems) -> tuple[str, ...]:
    for value in values:
        if value not in CORNERS:
            problems.add("sweep.corners", value, f"unknown corner; allowed: {', '.join(CORNERS)}")
    return values


def _temperatures(values: tuple[Any, ...], problems: Problems) -> tuple[float, ...]:
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not (math.isfinite(value) and -273.15 < value <= 1000):
            problems.add(
                "sweep.temperatures", value, "not a temperature in degrees Celsius (-273.15 to 1000)"
            )
            return (27.0,)
    return tuple(float(value) for value in values)


def _zip(raw: Mapping[str, Any], sweep: Sweep, problems: Problems) -> None:
    groups = raw.get("zip", [])
    if isinstance(groups, list) and groups and all(isinstance(name, str) for name in groups):
        groups = [groups]
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        problems.add("sweep.zip", groups, 'must be lists of axis names, for example [["width", "length"]]')
        return
    taken: set[str] = set()
    for group in groups:
        names = tuple(str(name) for name in group)
        absent = [name for name in names if name not in raw or name in ("zip", "corners", "temperatures")]
        again = [name for name in names if name in taken or names.count(name) > 1]
        if absent or again:
            what = f"{absent[0]!r} is not an axis of [sweep]" if absent else f"{again[0]!r} is zipped twice"
            problems.add("sweep.zip", group, what)
            continue
        taken.update(names)
        lengths = {name: len(sweep.axes[name]) for name in names if name in sweep.axes}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            problems.add("sweep.zip", group, f"zipped axes must be of one length: {listed}")
        elif len(lengths) == len(names):
            sweep.zipped.append(names)


def check_parameters(bench: Bench, fixed: Mapping[str, Any], sweep: Sweep, problems: Problems) -> None:
    """Every fixed and every swept value against the bench's parameter model.

    Each axis value is tried with the first values of the other axes, so the work is the sum of the axes'
    lengths; what only a combination breaks is reported when that point is planned.
    """
    for name in fixed:
        if name in sweep.axes:
            problems.add(
                f"parameters.{name}", fixed[name], "is swept too: keep it in one of [parameters], [sweep]"
            )
    base = dict(fixed) | {name: values[0] for name, values in sweep.axes.items()}
    known = dict.fromkeys(_faults(bench, base))
    for line in known:
        subject = _SUBJECT.match(line)
        section = "sweep" if subject and subject.group(1) in sweep.axes else "parameters"
        problems.found.append(f"{section}: {line}")
    for names in sweep.groups():
        for row in zip(*(sweep.axes[name] for name in names), strict=True):
            for line in _faults(bench, base | dict(zip(names, row, strict=True))):
                if line not in known:
                    known[line] = None
                    problems.found.append(f"sweep: {line}")
            if len(problems.found) >= _ENOUGH:  # of a million wrong values
                return


def _faults(bench: Bench, values: Mapping[str, Any]) -> list[str]:
    try:
        bench.Parameters.model_validate(values)
    except ParameterError as error:
        lines = error.message.split("\n")
        if any(line.startswith("unknown parameter") for line in lines):
            lines[-1] += f" (parameters of bench {bench.name}: {', '.join(bench.Parameters.model_fields)})"
        return lines
    return []


def check_names(bench: Bench, samples: bool, limits: bool, problems: Problems) -> None:
    """Columns that Monte Carlo and limits add to the table, against the bench's own names."""
    taken = {*bench.Parameters.model_fields, *bench.columns}
    for wanted, section, name in ((samples, "monte_carlo", "sample"), (limits, "limit", WITHIN)):
        if wanted and name in taken:
            problems.add(section, name, f"is a name that bench {bench.name} uses itself")


def check_limits(bench: Bench, limits: Sequence[Limit], problems: Problems) -> list[Limit]:
    """The limits in the units of the measured columns; what is wrong is noted and left out."""
    known = bench.columns
    checked = []
    for index, limit in enumerate(limits):
        if limit.column not in known:
            close = near(limit.column, (*known,))
            what = f"is not measured{close}; bench {bench.name} measures {', '.join(known)}"
            problems.add(f"limit[{index}].column", limit.column, what)
            continue
        try:
            checked.append(limit.in_unit(known[limit.column]))
        except ValueError as error:
            problems.add(f"limit[{index}].unit", limit.unit, str(error))
    return checked


def near(name: str, allowed: Sequence[str]) -> str:
    """What the message says of a name that is close."""
    found = get_close_matches(name, allowed, n=1)
    return f", did you mean {found[0]!r}?" if found else ""
