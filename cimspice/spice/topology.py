"""The circuit of a deck, flattened: its nodes, and those whose voltage something other than gmin decides."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from cimspice.spice.lint import logical_lines, name_value_pairs

# How many words after an element's name are nodes. M and Q may have more, which nothing here needs.
_NODES = {
    **dict.fromkeys("rclvibdfhw", 2),
    **dict.fromkeys("qj", 3),
    **dict.fromkeys("egmsto", 4),
    "z": 3,
    "u": 3,
}
_GROUND = ("0", "gnd")


class Element(NamedTuple):
    """One element of the flattened circuit: its letter, nodes by full name, and its line's text (lower case)
    with the nodes as the line has them.
    """

    letter: str
    nodes: tuple[str, ...]
    local: tuple[str, ...]
    text: str


@lru_cache(maxsize=8)
def elements(lines: tuple[str, ...]) -> tuple[Element, ...]:
    """Every element of a deck, those inside subcircuits once for each use, without the X lines."""
    top: list[str] = []
    subcircuits: dict[str, tuple[list[str], list[str]]] = {}
    common: set[str] = set(_GROUND)
    inside = [top]
    for line in logical_lines("\n".join(lines).lower())[1:]:
        words = line.split()
        if words[0] in (".subckt", ".macro"):
            plain = name_value_pairs(line)[0]
            inside.append([])
            subcircuits["".join(plain[1:2])] = (plain[2:], inside[-1])
        elif words[0] in (".ends", ".eom"):
            inside = inside[:-1] or [top]
        elif words[0] == ".global":
            common.update(words[1:])
        elif line[0] != ".":
            inside[-1].append(line)

    def expand(body: list[str], name: Callable[[str], str], path: str, depth: int) -> Iterator[Element]:
        for line in body:
            words = [word for word in re.split(r"[\s,()]+", line) if word]
            if line[0] != "x":
                local = tuple(words[1 : 1 + _NODES.get(line[0], 0)])
                yield Element(line[0], tuple(map(name, local)), local, line)
                continue
            plain = name_value_pairs(line)[0] or [""]
            ports, inner = subcircuits.get(plain[-1], ([], []))
            outside = dict(zip(ports, map(name, plain[1:-1]), strict=False))
            below = f"{path}{plain[0]}."
            if depth < 50:  # a subcircuit that uses itself: ngspice refuses it
                yield from expand(inner, _naming(outside, below, common), below, depth + 1)

    return tuple(expand(top, _naming({}, "", common), "", 0))


def _naming(outside: dict[str, str], path: str, common: set[str]) -> Callable[[str], str]:
    def name(node: str) -> str:
        full = node if node in common else outside.get(node, path + node)
        return "0" if full in _GROUND else full

    return name


def nodes(lines: tuple[str, ...]) -> set[str]:
    """Every node but ground."""
    return {node for element in elements(lines) for node in element.nodes} - {"0"}


def has_node(lines: tuple[str, ...], name: str) -> bool:
    """Whether the circuit has a node of this name (lower case); quick where the deck has no such word."""
    return name in "\n".join(lines).lower() and name in nodes(lines)


def loose_nodes(lines: tuple[str, ...], *, charged: bool) -> set[str]:
    """Nodes without a path to ground through sources of voltage, resistors, inductors or behavioural sources
    that read the node, nor, if ``charged`` (a transient from given charges), through capacitors.

    A B-source's node may hold any number, ohms or kelvin; a loose one of kilovolts is held by gmin alone.
    """
    neighbours: dict[str, list[str]] = defaultdict(list)
    for element in elements(lines):
        if len(element.nodes) > 1 and _conducts(element, charged):
            for node, other in (element.nodes[:2], element.nodes[1::-1]):
                neighbours[node].append(other)
    held, waiting = {"0"}, ["0"]
    while waiting:
        found = set(neighbours[waiting.pop()]) - held
        held |= found
        waiting += found
    return nodes(lines) - held


def _conducts(element: Element, charged: bool) -> bool:
    if element.letter in "velhr" or (charged and element.letter == "c"):
        return True
    if element.letter != "b":
        return False
    own = "|".join(re.escape(node) for node in element.local)
    return bool(re.search(rf"\sv\s*=|v\(\s*(?:{own})\s*[,)]", element.text))
