"""A user's netlist, as schematic editors and extractors write it: its subcircuit, ports and parameters.

What is no part of the circuit (analyses, options, control blocks, model libraries, outputs) is left out, and
listed; a circuit statement that cannot be kept is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cimspice.errors import ParameterError, TemplateError
from cimspice.files import read_plain
from cimspice.netlist.check import DOT_WORDS, check_statement
from cimspice.pdk.expression import number
from cimspice.pdk.library import assignments

LARGEST_NETLIST = 16 << 20  # bytes
GROUND = re.compile(r"0|a?d?(vss|gnd|vgnd)[ad_0-9]*|vnb|sub|vsub", re.IGNORECASE)
SUPPLY = re.compile(r"a?d?(vdd|vcc|vpwr)[ad_0-9]*|vpb", re.IGNORECASE)
_PIN = re.compile(r"\*+\.(ipin|opin|iopin)\s+(\S+)", re.IGNORECASE)
_PINS = re.compile(r"\*+\.pininfo\s+(.*)", re.IGNORECASE)
_COMMENTED = re.compile(r"\*\*(\.(?:subckt|ends)\b.*)", re.IGNORECASE)
_SCALE = re.compile(r"\.opt\w*\b.*\bscale\s*=", re.IGNORECASE)
_TEMPLATE_MARK = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class LeftOut:
    """A line that is no part of the circuit: its number in the file, its text, why."""

    number: int
    line: str
    why: str


@dataclass(frozen=True)
class Subcircuit:
    """What ``.subckt`` says, and the directions of its ports (input, output, supply, ground)."""

    name: str
    ports: tuple[str, ...]
    parameters: dict[str, float]
    directions: dict[str, str] = field(default_factory=dict)

    def having(self, direction: str) -> list[str]:
        """Ports of one direction, in order."""
        return [port for port in self.ports if self.directions[port] == direction]


@dataclass(frozen=True)
class Schematic:
    """A circuit out of a user's file."""

    top: Subcircuit
    """The subcircuit that is measured."""
    parameters: dict[str, float]
    """Parameters of the file (``.param``) that are plain numbers."""
    text: str
    """Its statements, continuation lines as they were; of the ``parameters`` none."""
    left_out: tuple[LeftOut, ...]
    """What is no part of it."""


def read_schematic(path: Path | str, subcircuit: str | None = None) -> Schematic:
    """Read a netlist.

    ParameterError if there is no such subcircuit, or several that it could be; TemplateError if a statement
    of the circuit cannot be kept, with its line.

    Parameters
    ----------
    path
        The file: of xschem, of Magic's extraction, or written by hand.
    subcircuit
        Which of its subcircuits; default: the one that no other uses.
    """
    place = str(path)
    try:
        content = read_plain(path, LARGEST_NETLIST)
    except OSError as error:
        raise ParameterError(
            f"netlist not read: {error.strerror}", place=place, remedy="check the path"
        ) from None
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = content.decode("latin-1").splitlines()
    reading = _Reading(place)
    for line_number, statement in _statements(lines, reading.left_out):
        reading.take(line_number, statement)
    name = reading.chosen(subcircuit)
    left_out = tuple(sorted(reading.left_out, key=lambda line: line.number))
    return Schematic(reading.subcircuit(name), reading.parameters, "\n".join(reading.kept) + "\n", left_out)


@dataclass
class _Reading:
    """What has been found so far: statements that stay, subcircuits by name, pins with a direction."""

    place: str
    left_out: list[LeftOut] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, float] = field(default_factory=dict)
    inside: int = 0

    def take(self, number: int, statement: str) -> None:
        """One statement."""
        words = statement.split()
        first = words[0].lower()
        if first.startswith("*"):
            self._pins(statement)
        elif _SCALE.match(statement):
            raise TemplateError(
                f"{statement!r} changes the unit of all sizes",
                place=f"{self.place}, line {number}",
                remedy="export without it (Magic: ext2spice scale off)",
            )
        elif first.startswith(".") and first not in DOT_WORDS:
            self.left_out.append(LeftOut(number, statement, "no part of a circuit"))
        elif not self.inside and first[0].isalnum():
            self.left_out.append(LeftOut(number, statement, "outside of any subcircuit"))
        else:
            check_statement(statement, self.place, number, True)
            if _TEMPLATE_MARK.search(statement):
                raise TemplateError(
                    f"{statement[:60]!r} holds what a template takes for its own",
                    place=f"{self.place}, line {number}",
                    remedy="put a space between the braces",
                )
            if first == ".subckt":
                self.found[words[1].lower()] = words
            self.inside += (first == ".subckt") - (first == ".ends")
            if first == ".param" and not self.inside:
                numbers, others = _settings(statement.split(maxsplit=1)[1])
                self.parameters |= numbers
                if numbers:
                    statement = f".param {' '.join(others)}" if others else ""
            if statement:
                self.kept.append(statement)

    def _pins(self, comment: str) -> None:
        """Directions, which schematic editors write into comments."""
        if match := _PIN.match(comment):
            self.pins[match[2].lower()] = {"ipin": "i"}.get(match[1].lower(), "o")
        elif match := _PINS.match(comment):
            named = (pin.rpartition(":") for pin in match[1].split())
            self.pins |= {name.lower(): kind.lower() for name, _, kind in named if name}

    def chosen(self, wanted: str | None) -> str:
        """Name of the subcircuit that is measured."""
        if not self.found:
            raise ParameterError(
                "no subcircuit in this netlist",
                place=self.place,
                remedy="export the circuit with its pins (.subckt name ports ... .ends), not its test bench",
            )
        if wanted is not None:
            if wanted.lower() not in self.found:
                known = ", ".join(self.found)
                raise ParameterError(
                    f"no subcircuit {wanted!r}", place=self.place, remedy=f"there are {known}"
                )
            return wanted.lower()
        uses = (statement.lower().split()[1:] for statement in self.kept if statement[0] in "xX")
        used = {word for words in uses for word in words}
        tops = [name for name in self.found if name not in used]
        if len(tops) != 1:
            raise ParameterError(
                f"which subcircuit? {', '.join(tops or self.found)}",
                place=self.place,
                remedy="name one with --subcircuit",
            )
        return tops[0]

    def subcircuit(self, name: str) -> Subcircuit:
        """A subcircuit; ports whose direction no comment gives are inputs if only gates are on them."""
        words = self.found[name]
        text = " ".join(words[2:])
        before = re.split(r"(?i)\bparams:|\w+\s*=", text, maxsplit=1)[0]
        parameters, _ = _settings(text[len(before) :])
        gates, others = _terminals(name, self.kept)
        directions = {}
        for port in before.split():
            low = port.lower()
            gate = low in gates - others
            kind = "input" if self.pins.get(low, "i" if gate else "o") == "i" else "output"
            kind = "ground" if GROUND.fullmatch(low) else "supply" if SUPPLY.fullmatch(low) else kind
            directions[port] = kind
        return Subcircuit(words[1], tuple(directions), parameters, directions)


def _statements(lines: list[str], left_out: list[LeftOut]) -> Iterator[tuple[int, str]]:
    """Number of the first line and text of each statement, its continuation lines joined; comments whole."""
    waiting: tuple[int, str] | None = None
    control = False
    for at, line in enumerate(lines, 1):
        commented = _COMMENTED.match(line.strip())
        text = commented[1] if commented else line.strip()
        if not text.startswith("*"):
            text = re.split(r"\s\$|\s;|^\$|^;", text)[0].strip()
        word = text.split()[0].lower() if text else ""
        if word == ".control" or control:
            control = word != ".endc"
            left_out.append(LeftOut(at, text, "control block"))
            continue
        if not text or (at == 1 and not word.startswith((".", "*")) and len(lines) > 1):
            continue  # ngspice takes the first line for a title
        if text.startswith("+") and waiting is not None:
            waiting = waiting[0], f"{waiting[1]} {text[1:].strip()}"
            continue
        if waiting is not None:
            yield waiting
        waiting = at, text
    if waiting is not None:
        yield waiting


def _settings(text: str) -> tuple[dict[str, float], list[str]]:
    """``name=value`` settings that are plain numbers, and the others."""
    given = {name: (value, number(value)) for name, value in assignments(text).items()}
    numbers = {name: amount for name, (_, amount) in given.items() if amount is not None}
    return numbers, [f"{name}={value}" for name, (value, _) in given.items() if name not in numbers]


def _terminals(name: str, kept: list[str]) -> tuple[set[str], set[str]]:
    """Nodes of a subcircuit that are gates of transistors, and those that are anything else."""
    gates: set[str] = set()
    others: set[str] = set()
    inside = False
    for statement in kept:
        words = re.split(r"\s\w+\s*=", statement.lower())[0].split()
        if words[0] == ".subckt":
            inside = words[1] == name
        elif words[0] == ".ends":
            inside = False
        elif inside:
            nodes = words[1:]
            if words[0][0] in "mx" and len(nodes) == 5:  # drain, gate, source, bulk, model
                gates.add(nodes[1])
                nodes.pop(1)
            others.update(nodes)
    return gates, others
