"""The X lines of a netlist that use the PDK, checked before ngspice sees them."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.devices import PREFIX, Device, device
from cimspice.pdk.expression import bare, evaluate, number
from cimspice.pdk.library import assignments

_SPACED_EQUALS = re.compile(r"(?<!\s)\s*=\s*")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.I)
_OPENING = re.compile(r"\.subckt\s+\S", re.I)

Lookup = Callable[[str], float]


@dataclass(frozen=True)
class Instance:
    """An X line that uses a device of the PDK.

    ``name`` with the X; ``nodes`` in order; ``parameters`` name (lower case) -> text as written; ``line`` is
    the joined line and ``first``, ``last`` its range of physical lines in the netlist (from 0, inclusive);
    ``scope`` is the netlist's own subcircuit that it stands in (lower case), or empty; ``resolved`` has the
    values of its expressions in one use of that subcircuit (:func:`instance_paths`).
    """

    name: str
    device: Device
    nodes: tuple[str, ...]
    parameters: dict[str, str]
    line: str
    first: int
    last: int
    scope: str = ""
    resolved: dict[str, float] = field(default_factory=dict)

    def value(self, parameter: str) -> float | None:
        """The number given for a parameter; None if it is not given or an expression without a value."""
        text = self.parameters.get(parameter)
        return self.resolved.get(parameter, None if text is None else number(text))


def logical_lines(text: str) -> list[tuple[str, int, int]]:
    """Lines with their continuations joined and comments removed: (line, first, last physical line)."""
    result: list[tuple[str, int, int]] = []
    for position, raw in enumerate(text.splitlines()):
        line = re.split(r";|\s\$\s", raw, maxsplit=1)[0].strip()
        if position == 0 or not line or line[0] == "*":
            continue
        if line[0] == "+" and result:
            before, first, _ = result[-1]
            result[-1] = (before + " " + line[1:].strip(), first, position)
        else:
            result.append((line, position, position))
    return result


def instances(text: str) -> list[Instance]:
    """All uses of PDK devices in a netlist (its first line is the title).

    Raises
    ------
    PdkError
        If an X line uses a device that slices do not know, or a subcircuit that is not defined.
    ParameterError
        If an X line sets a parameter that the device does not have (ngspice would ignore it silently), sets a
        parameter twice or to something that is not finite, or has the wrong number of nodes.
    """
    return _scan(text).used


def instance_paths(text: str) -> dict[str, Instance]:
    """All transistors, resistors and capacitors of the PDK by their place in the hierarchy.

    Returns
    -------
    dict[str, Instance]
        Names of X lines in lower case joined by dots: ``"xcell1.xpull"``; at top level just ``"xpull"``. An
        X line inside a subcircuit occurs once for every use of that subcircuit, with the geometry that its
        parameters have there, and ``m`` times that of the uses above.
    """
    scan = _scan(text)
    found: dict[str, Instance] = {}

    def enter(scope: str, path: str, above: tuple[str, ...], value: Lookup, multiplier: float) -> None:
        if scope in above:
            raise ParameterError(f"the subcircuit {scope!r} uses itself", remedy="break the circle")
        for one in scan.used:
            if one.scope == scope:
                found[path + one.name.lower()] = _resolved(one, value, multiplier)
        for name, called, where, settings in scan.calls:
            if where == scope:
                inner = _lookup(settings, value, scan.defaults.get(called, {}), top)
                parallel = evaluate(settings["m"], value) if "m" in settings else 1.0
                enter(called, f"{path}{name.lower()}.", (*above, scope), inner, multiplier * parallel)

    top = _lookup({}, _unknown, scan.defaults.get("", {}), _unknown)
    enter("", "", (), top, 1.0)
    return found


def _lookup(settings: dict[str, str], outside: Lookup, defaults: dict[str, str], top: Lookup) -> Lookup:
    """Values of names inside one use of a subcircuit: set on its X line, else its own, else the netlist's."""

    def value(name: str) -> float:
        if name in settings:
            return evaluate(settings[name], outside)
        return evaluate(defaults[name], value) if name in defaults else top(name)

    return value


def _unknown(name: str) -> float:
    raise PdkError(f"there is no parameter {name!r}")


def _resolved(instance: Instance, value: Lookup, multiplier: float) -> Instance:
    """The instance with the numbers of its expressions; what has no value in the netlist is left out."""
    found: dict[str, float] = {}
    for name in ("w", "l", "m", "nf", "delvto"):
        if name in instance.parameters and instance.value(name) is None:
            with suppress(PdkError):
                found[name] = evaluate(instance.parameters[name], value)
    if multiplier != 1.0:
        found["m"] = multiplier * found.get("m", instance.value("m") or 1.0)
    return replace(instance, resolved=found) if found else instance


def place_of(instance: Instance) -> str:
    """Where an instance stands, for an error."""
    return f"netlist line {instance.first + 1}: {instance.line}"


class _Scan(NamedTuple):
    """Uses of the PDK; uses of the netlist's own subcircuits as (instance, subcircuit, scope, settings); and
    scope -> parameter -> its text.
    """

    used: list[Instance]
    calls: list[tuple[str, str, str, dict[str, str]]]
    defaults: dict[str, dict[str, str]]


def _scan(text: str) -> _Scan:
    lines = logical_lines(text)
    own = {line.split()[1].lower() for line, _, _ in lines if _OPENING.match(line)}
    used: list[Instance] = []
    calls: list[tuple[str, str, str, dict[str, str]]] = []
    defaults: dict[str, dict[str, str]] = {}
    scope = ""
    for line, first, last in lines:
        if _OPENING.match(line):
            scope = line.split()[1].lower()
            defaults.setdefault(scope, {}).update(assignments(_parts(line)[1]))
        elif line.lower().startswith(".param"):
            defaults.setdefault(scope, {}).update(assignments(_parts(line)[1]))
        elif line.lower().startswith(".ends"):
            scope = ""
        if line[0] not in "xX":
            continue
        words, settings = _parts(line)
        name = words[-1].lower()
        if name in own:
            calls.append((words[0], name, scope, assignments(settings)))
            continue
        place = f"netlist line {first + 1}: {line}"
        if not name.startswith(PREFIX):
            raise PdkError(
                f"the subcircuit {words[-1]!r} is not defined",
                place=place,
                remedy=f"define it with .subckt in the netlist, or use a device of the PDK ({PREFIX}...)",
            )
        model = device(name, place=place)
        try:
            parameters = dict(_settings(model, settings))
        except ParameterError as error:
            raise ParameterError(error.message, place=place, remedy=error.remedy) from error
        nodes = tuple(words[1:-1])
        used.append(Instance(words[0], model, nodes, parameters, line, first, last, scope))
    return _Scan(used, calls, defaults)


def _parts(line: str) -> tuple[list[str], str]:
    """Positional words and the text of the ``name=value`` settings."""
    line = _SPACED_EQUALS.sub("=", line)
    found = re.search(r"(?<=\s)[A-Za-z_]\w*=", line)
    end = found.start() if found else len(line)
    words = [word for word in line[:end].split() if word.lower() != "params:"]
    return words, line[end:]


def _drop_mult(given: dict[str, str]) -> None:
    """Take ``mult=`` and ``mf=`` out if they are 1 or what ``m=`` is (schematic editors write both): ``mult``
    only scales the mismatch of the PDK's files, ``mf`` does nothing.
    """
    parallel = given.get("m", "1")
    for name in ("mult", "mf"):
        mult = given.pop(name, "1")
        if number(mult) in (1.0, number(parallel) or 1.0) or bare(mult) == bare(parallel):
            continue
        remedy = f"write m={mult}" if "m" not in given else f"make it m's, {parallel}, or leave it out"
        raise ParameterError(f"{name}={mult} would not multiply the device, only m= does", remedy=remedy)


@lru_cache(maxsize=64)
def _settings(model: Device, text: str) -> tuple[tuple[str, str], ...]:
    """The checked ``name=value`` settings of an X line (most lines of a netlist have the same ones)."""
    given = assignments(text)
    if len(given) != len(re.findall(r"(?<!\w)[A-Za-z_]\w*=(?!=)", text)):
        raise ParameterError("a parameter is set twice", remedy="set it once")
    _drop_mult(given)
    for name, value in given.items():
        if name not in model.parameters:
            allowed = ", ".join(sorted(model.parameters))
            raise ParameterError(f"{model.name} has no parameter {name!r}", remedy=f"it knows {allowed}")
        amount = number(value)
        if not value or _NOT_FINITE.fullmatch(value) or (amount is not None and not math.isfinite(amount)):
            raise ParameterError(f"{name}={value} is not a finite number", remedy="give a number")
        if name in ("w", "l", "m", "nf") and amount is not None and amount <= 0:
            raise ParameterError(f"{name}={value} has to be positive", remedy="give a positive number")
        if amount is None and re.match(r"[+-]?[\d.]", value):
            # ngspice would read 1.8x5 as 1.8.
            raise ParameterError(
                f"{name}={value} is not a number that SPICE reads as written",
                remedy="write digits, an exponent (1e-3) or a scale suffix (10u); expressions in braces",
            )
    return tuple(given.items())
