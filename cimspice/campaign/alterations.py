"""Whether altering sources in a loaded circuit gives the circuit that a point asks for: seen in the netlists.

What counts is the netlist rendered with the point's own values. A bench that declares a parameter to be a
source's value is believed only where that netlist and the loaded one differ in nothing but this value.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import cast

from cimspice.bench import Bench
from cimspice.errors import CimspiceError, ParameterError
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.netlist.template import Unrendered, only_prints
from cimspice.netlist.unread import ReadError, Unread
from cimspice.spice.digits import deck_reads

# volt or ampere: likely in no default and no file's name; signs or digits printed around it change it
_ELSEWHERE = -7.390851332151607e22
_NUMBERS = frozenset({float, int, bool})
_REMEMBERED = 20_000  # values of which a second pass over a plan need not render again
_WHOLE_ELSEWHERE = -7390851  # of a parameter that is a whole number


class Alterations:
    """A bench's ``altered``, held against the netlist that is loaded.

    Parameters
    ----------
    bench
        Declares what is altered.
    loaded
        Parameters of the loaded circuit.
    netlist
        The loaded circuit.
    render
        Gives the netlist for parameters.
    """

    def __init__(
        self,
        bench: Bench,
        loaded: NetlistParameters,
        netlist: Netlist,
        render: Callable[[NetlistParameters], Netlist],
    ) -> None:
        self.bench, self.loaded, self.netlist, self.render = bench, loaded, netlist, render
        others = [name for name in type(loaded).visible_names() if name not in bench.altered]
        self._of_others = attrgetter(*others) if others else lambda _: ()
        self._others = self._visible(loaded)
        names = tuple(bench.altered)
        get = attrgetter(*names) if names else lambda _: ()
        self._values = (lambda parameters: (get(parameters),)) if len(names) == 1 else get
        self._loaded_values = self._values(loaded)
        self._same: set[object] = set()  # altered values at which the loaded circuit was found to be right

    def own_netlist(self, parameters: NetlistParameters) -> Netlist | None:
        """The netlist that a point needs to itself; None if the loaded one, its sources altered, is the same.

        It is rendered only if it may differ: where the bench does nothing but render a template, and that
        only prints the altered parameters, one comparison stands for all values.

        ParameterError if an altered parameter moves nothing although its source is there; CimspiceError if
        the netlist cannot be rendered.
        """
        altered, given = self.bench.altered, self._values(parameters)
        if not _NUMBERS.issuperset(map(type, given)) and not all(isinstance(v, int | float) for v in given):
            return self.render(parameters)  # no value that a source could be altered to
        alike = self._others is not None and self._visible(parameters) == self._others
        moved = given != self._loaded_values
        if alike and (self._always if moved else self._has_defaults):
            return None
        if alike and given in self._same:
            return None
        for name in altered if moved else ():
            if getattr(parameters, name) != getattr(self.loaded, name) and name in self._without_effect:
                raise ParameterError(
                    f"{name} is declared to be the value of {altered[name]}, and does not change it",
                    place=f"bench {self.bench.name}, {self.netlist.template}",
                    remedy=f"print {name} as the value of {altered[name]}, or take it out of altered",
                )
        netlist = self.netlist if alike and not moved else self.render(parameters)
        values = {source: getattr(parameters, name) for name, source in altered.items()}
        if not self._is_loaded(netlist.text, values):
            return netlist
        if alike and len(self._same) < _REMEMBERED:
            self._same.add(given)
        return None

    def _is_loaded(self, text: str, values: Mapping[str, float]) -> bool:
        """Whether a netlist is the loaded one but for the sources' values."""
        found = self._pattern.fullmatch(text) if self._pattern else None
        if found and all(found[source.lower()] == repr(float(value)) for source, value in values.items()):
            return True
        return differs_in_values(self.netlist.text, text, values)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """The loaded text with any word for each altered value, which spares most netlists the comparison of
        statements; None where a source's statement is not one line.
        """
        lines, sources = self.netlist.text.split("\n"), [*map(str.lower, self.bench.altered.values())]
        statements = _statements(self.netlist.text)
        parts = [re.escape(line) for line in lines]
        for source in sources:
            at = [k for k, line in enumerate(lines) if line.lower().split()[:1] == [source]]
            if len(at) != 1 or not _source(statements, source) or not source.isidentifier():
                return None
            line, *later = lines[at[0] :]
            following = next(
                (words[0] for words in map(str.split, later) if words and words[0][0] != "*"), ""
            )
            words = list(re.finditer(r"\S+", line))
            place = _value_place([word[0].lower() for word in words])
            if place is None or following.startswith("+") or sources.count(source) > 1:
                return None
            start, end = words[place].span()
            parts[at[0]] = f"{re.escape(line[:start])}(?P<{source}>\\S+){re.escape(line[end:])}"
        return re.compile("\n".join(parts)) if sources else None

    @cached_property
    def _has_defaults(self) -> bool:
        """Whether the loaded sources have the loaded values: altering them to these then changes nothing."""
        values = {source: getattr(self.loaded, name) for name, source in self.bench.altered.items()}
        return not values or differs_in_values(self.netlist.text, self.netlist.text, values)

    def _visible(self, parameters: NetlistParameters) -> object:
        """What a template sees besides what is altered, from which validators and computed fields may make
        it; None if one of these fails, which is reported where the netlist is rendered.
        """
        try:
            return self._of_others(parameters)
        except Exception:
            return None

    def _moved(self, *names: str, factor: int = 1) -> tuple[str, dict[str, float]]:
        """The netlist with other values of some altered parameters (empty if they are refused), and these
        values by source.
        """
        whole = {name for name in names if isinstance(getattr(self.loaded, name), int)}
        values = {
            name: k * factor * (_WHOLE_ELSEWHERE if name in whole else _ELSEWHERE)
            for k, name in enumerate(names, 1)
        }
        sources = {self.bench.altered[name]: value for name, value in values.items()}
        try:
            return self.render(self.loaded.model_copy(update=values)).text, sources
        except CimspiceError:
            return "", sources

    @cached_property
    def _without_effect(self) -> set[str]:
        """What is altered although the netlist has its source and shows nothing of it."""
        text = self.netlist.text
        there = {words[0] for words in _statements(text)}
        altered = self.bench.altered.items()
        return {
            name
            for name, source in altered
            if source.lower() in there and all(self._moved(name, factor=k)[0] == text for k in (1, -1))
        }

    @cached_property
    def _always(self) -> bool:
        """Whether altering is right at all values."""
        altered, loaded = self.bench.altered, self.loaded
        if vars(loaded).keys() != type(loaded).model_fields.keys() or loaded.__pydantic_private__:
            return False  # what such a model keeps to itself a copy would keep, too
        unread = loaded.model_copy(update={name: Unread() for name in altered})
        try:
            with warnings.catch_warnings(action="ignore"):  # of pydantic, where all parameters are dumped
                rendering = cast("object", self.bench.netlist(unread))
        except (Exception, ReadError):
            return False
        if not isinstance(rendering, Unrendered) or rendering.parameters is not unread:
            return False
        return only_prints(rendering.template, frozenset(altered)) and differs_in_values(
            self.netlist.text, *self._moved(*altered)
        )


def differs_in_values(loaded: str, wanted: str, values: Mapping[str, float]) -> bool:
    """Whether two netlists differ in nothing but the DC values of some sources, and the second has these.

    Parameters
    ----------
    loaded, wanted
        Text of netlists.
    values
        Source -> value (V, A).
    """
    first, second = _statements(loaded), _statements(wanted)
    for source, value in values.items():
        here, there = _source(first, source), _source(second, source)
        place = _value_place(here)
        if place is None or _value_place(there) != place:
            return False
        here.pop(place)
        if deck_reads(there.pop(place)) != deck_reads(repr(float(value))):
            return False
    return first == second


def _statements(text: str) -> list[list[str]]:
    """Words of each statement, its continuation lines joined to it; an empty word before those of a
    subcircuit.
    """
    statements: list[list[str]] = []
    depth = 0
    for line in text.lower().split("\n"):
        words = line.split()
        if not words or words[0].startswith("*"):
            continue
        if words[0].startswith("+"):
            statements[-1] += " ".join(words)[1:].split()
            continue
        statements.append([""] * (depth > 0) + words)
        depth += (words[0] == ".subckt") - (words[0] == ".ends")
    return statements


def _source(statements: list[list[str]], name: str) -> list[str]:
    """The statement of a source of the whole circuit; empty unless there is just one."""
    found = [words for words in statements if words[0] == name.lower()]
    return found[0] if len(found) == 1 else []


def _value_place(words: list[str]) -> int | None:
    """Where the DC value stands in a source's statement; None if it is no plain number, or not there."""
    place = 4 if words[3:4] == ["dc"] else 3
    if place >= len(words) or words.count("dc") > (place == 4):
        return None
    try:
        deck_reads(words[place])
    except (ValueError, OverflowError):
        return None
    return place
