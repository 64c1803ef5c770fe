"""One subcircuit of the PDK taken apart: ports, defaults, elements, binned models."""

import re
from dataclasses import dataclass
from functools import lru_cache

from cimspice.errors import PdkError
from cimspice.pdk.expression import number, without_random_terms
from cimspice.pdk.library import assignments, joined, statements

_BIN_LIMITS = re.compile(r"\b(lmin|lmax|wmin|wmax)\s*=\s*([^\s{]+)", re.I)
_SAME_LENGTH = 1e-15  # metres; ngspice's own tolerance at a bin's edge
_MICRON = 1e-6


@dataclass(frozen=True)
class Bin:
    """One model of a binned MOSFET; limits in metres, valid from min (inclusive) to max (exclusive)."""

    name: str
    text: str
    length_min: float
    length_max: float
    width_min: float
    width_max: float

    def covers(self, width: float, length: float) -> bool:
        """ngspice's binning rule, for a width (of one finger) and a length in micrometres."""
        return _within(width * _MICRON, self.width_min, self.width_max) and _within(
            length * _MICRON, self.length_min, self.length_max
        )


@dataclass(frozen=True)
class Subcircuit:
    """A subcircuit without its random terms.

    ``opening``: the .subckt statement with its .param statements; ``ports``; ``defaults``: local parameters,
    name -> expression; ``body``: elements and models without bins; ``bins``: binned models in library order.
    """

    name: str
    opening: str
    ports: tuple[str, ...]
    defaults: dict[str, str]
    body: tuple[str, ...]
    bins: tuple[Bin, ...]

    def bins_for(self, width: float, length: float) -> tuple[Bin, ...]:
        """Bins that cover a geometry in micrometres (width of one finger); none if it lies outside all."""
        return tuple(bin_ for bin_ in self.bins if bin_.covers(width, length))

    def text(self, bins: tuple[Bin, ...]) -> str:
        """The subcircuit with only the given bins."""
        closing = f".ends {self.name}"
        return "\n".join((self.opening, *self.body, *(bin_.text for bin_ in bins), closing)) + "\n"


@lru_cache(maxsize=64)
def parse_subcircuit(text: str) -> Subcircuit:
    """Take apart the text of a subcircuit (from .subckt to .ends)."""
    parts = statements(text)
    header = joined(parts[0])
    found = re.match(r"\.subckt\s+(\S+)\s+(.*?)((?<=\s)[A-Za-z_]\w*\s*=.*)?\Z", header, re.I | re.S)
    if not found:
        raise PdkError(f"not a subcircuit: {header!r}")
    name, ports = found[1].lower(), tuple(found[2].split())
    defaults = assignments(found[3] or "")
    opening, body, bins = [parts[0]], [], []
    for statement in parts[1:]:
        keyword = statement.split(None, 1)[0].lower()
        if keyword == ".ends":
            break
        statement = _without_random_terms(statement)
        if keyword == ".param":
            defaults |= assignments(joined(statement))
            opening.append(statement)
        elif keyword == ".model" and re.fullmatch(r"\S+\.\d+", model_name := statement.split()[1]):
            bins.append(_bin(model_name.lower(), statement))
        else:
            body.append(statement)
    return Subcircuit(name, "\n".join(opening), ports, defaults, tuple(body), tuple(bins))


def _bin(name: str, statement: str) -> Bin:
    limits = {key.lower(): number(value) for key, value in _BIN_LIMITS.findall(statement[:400])}
    try:
        low_l, high_l, low_w, high_w = (float(limits[key]) for key in ("lmin", "lmax", "wmin", "wmax"))  # pyright: ignore[reportArgumentType] -- None raises TypeError, caught below
    except (KeyError, TypeError) as error:
        raise PdkError(f"the model {name!r} has no limits of width and length: {error}") from error
    return Bin(name, statement, low_l, high_l, low_w, high_w)


def _without_random_terms(statement: str) -> str:
    if "GAUSS" not in statement.upper():
        return statement
    lines = (
        without_random_terms(line) if "GAUSS" in line.upper() else line for line in statement.splitlines()
    )
    return "\n".join(lines)


def _within(value: float, low: float, high: float) -> bool:
    return abs(value - low) < _SAME_LENGTH or (low < value < high and abs(value - high) >= _SAME_LENGTH)
