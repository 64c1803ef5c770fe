"""Parameters that a slice needs: fixed ones as the library writes them, the corners' as plain numbers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cimspice.errors import PdkError
from cimspice.pdk.expression import evaluate, names, number, without_random_terms
from cimspice.pdk.library import Library, Section
from cimspice.pdk.source import CORNERS

_EXPRESSION = re.compile(r"\{([^{}]*)\}|'([^']*)'|\"([^\"]*)\"|=\s*([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Parameters:
    """``fixed``: name -> expression, the same in all corners; ``by_corner``: corner -> name -> value."""

    fixed: dict[str, str]
    by_corner: dict[str, dict[str, float]]

    def text(self, corner: str) -> str:
        """``.param`` lines for one corner."""
        lines = [f".param {name} = {value!r}" for name, value in self.by_corner[corner].items()]
        lines += [f".param {name} = {expression}" for name, expression in self.fixed.items()]
        return "\n".join(lines) + "\n"


def parameters_for(library: Library, texts: Iterable[str]) -> Parameters:
    """All global parameters that the texts of subcircuits and models refer to, directly or through others.

    A parameter counts as corner-dependent when the corners define it by different expressions; those that the
    library also varies at random, too, so that they can be altered.
    """
    sections = {corner: library.section(corner) for corner in CORNERS}
    reference = sections["tt"].parameters
    waiting = [name for name in _names_used(texts) if name in reference]
    fixed: set[str] = set()
    varying: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in fixed or name in varying:
            continue
        expressions = {section.parameters.get(name) for section in sections.values()}
        if None in expressions:
            raise PdkError(f"the parameter {name!r} is not defined in every corner of the library")
        if len(expressions) == 1 and "gauss" not in reference[name].lower():
            fixed.add(name)
            waiting += [other for other in names(reference[name]) if other in reference]
        else:
            varying.add(name)
    return Parameters(
        {name: reference[name] for name in reference if name in fixed},
        {
            corner: {name: global_value(section, name) for name in reference if name in varying}
            for corner, section in sections.items()
        },
    )


def global_value(section: Section, name: str) -> float:
    """Nominal value of a global parameter in a section (its random terms are left out)."""

    def lookup(other: str) -> float:
        if other not in section.parameters:
            raise PdkError(f"the parameter {other!r} is not defined in the library", place=name)
        return global_value(section, other)

    expression = without_random_terms(section.parameters[name]) if name in section.parameters else None
    if expression is None:
        return lookup(name)
    plain = number(expression)
    return plain if plain is not None else evaluate(expression, lookup)


def _names_used(texts: Iterable[str]) -> set[str]:
    used: set[str] = set()
    for text in texts:
        for groups in _EXPRESSION.findall(text):
            used |= names(" ".join(groups))
    return used
