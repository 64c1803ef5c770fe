"""The X lines of a netlist that use the PDK, checked before ngspice sees them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from cimspice.errors import ParameterError, PdkError
from cimspice.pdk.devices import PREFIX, Device, device
from cimspice.pdk.expression import number
from cimspice.pdk.library import assignments

_SPACED_EQUALS = re.compile(r"(?<!\s)\s*=\s*")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.I)
_OPENING = re.compile(r"\.subckt\s+\S", re.I)
_REMEDY_MULT = "write m= instead: in the PDK's files mult= only scales mismatch, m= multiplies the device"


@dataclass(frozen=True)
class Instance:
    """An X line that uses a device of the PDK.

    ``name`` with the X; ``nodes`` in order; ``parameters`` name (lower case) -> text as written; ``line`` is
    the joined line and ``first``, ``last`` its range of physical lines in the netlist (from 0, inclusive);
    ``scope`` is the netlist's own subcircuit that it stands in (lower case), or empty.
    """

    name: str
    device: Device
    nodes: tuple[str, ...]
    parameters: dict[str, str]
    line: str
    first: int
    last: int
    scope: str = ""

    def value(self, parameter: str) -> float | None:
        """The number given for a parameter; None if it is not given or an expression."""
        text = self.parameters.get(parameter)
        return None if text is None else number(text)


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
    return _scan(text)[0]


def instance_paths(text: str) -> dict[str, Instance]:
    """All transistors, resistors and capacitors of the PDK by their place in the hierarchy.

    Returns
    -------
    dict[str, Instance]
        Names of X lines in lower case joined by dots: ``"xcell1.xpull"``; at top level just ``"xpull"``. An
        X line inside a subcircuit occurs once for every use of that subcircuit.
    """
    used, calls = _scan(text)
    found: dict[str, Instance] = {}

    def enter(scope: str, path: str, above: tuple[str, ...]) -> None:
        if scope in above:
            raise ParameterError(f"the subcircuit {scope!r} uses itself", remedy="break the circle")
        found.update({path + one.name.lower(): one for one in used if one.scope == scope})
        for name, called, where in calls:
            if where == scope:
                enter(called, f"{path}{name.lower()}.", (*above, scope))

    enter("", "", ())
    return found


def place_of(instance: Instance) -> str:
    """Where an instance stands, for an error."""
    return f"netlist line {instance.first + 1}: {instance.line}"


def _scan(text: str) -> tuple[list[Instance], list[tuple[str, str, str]]]:
    """Uses of the PDK, and uses of the netlist's own subcircuits as (instance, subcircuit, scope)."""
    lines = logical_lines(text)
    own = {line.split()[1].lower() for line, _, _ in lines if _OPENING.match(line)}
    used: list[Instance] = []
    calls: list[tuple[str, str, str]] = []
    scope = ""
    for line, first, last in lines:
        if _OPENING.match(line):
            scope = line.split()[1].lower()
        elif line.lower().startswith(".ends"):
            scope = ""
        if line[0] not in "xX":
            continue
        words, settings = _parts(line)
        name = words[-1].lower()
        if name in own:
            calls.append((words[0], name, scope))
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
    return used, calls


def _parts(line: str) -> tuple[list[str], str]:
    """Positional words and the text of the ``name=value`` settings."""
    line = _SPACED_EQUALS.sub("=", line)
    found = re.search(r"(?<=\s)[A-Za-z_]\w*=", line)
    end = found.start() if found else len(line)
    words = [word for word in line[:end].split() if word.lower() != "params:"]
    return words, line[end:]


@lru_cache(maxsize=64)
def _settings(model: Device, text: str) -> tuple[tuple[str, str], ...]:
    """The checked ``name=value`` settings of an X line (most lines of a netlist have the same ones)."""
    given = assignments(text)
    if len(given) != len(re.findall(r"(?<!\w)[A-Za-z_]\w*=(?!=)", text)):
        raise ParameterError("a parameter is set twice", remedy="set it once")
    for name, value in given.items():
        if name not in model.parameters:
            allowed = ", ".join(sorted(model.parameters))
            raise ParameterError(
                f"{model.name} has no parameter {name!r}",
                remedy=_REMEDY_MULT if name == "mult" else f"it knows {allowed}",
            )
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
