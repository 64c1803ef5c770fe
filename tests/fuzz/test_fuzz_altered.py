"""Templates of any lines around a source that is altered: what is simulated is the netlist of the point."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fuzz_documents import fuzz, seeds
from hypothesis import given

from cimspice.bench import Bench
from cimspice.campaign.alterations import Alterations
from cimspice.errors import CimspiceError
from cimspice.netlist import Netlist, NetlistParameters, Template, render
from cimspice.spice import Op

NUMBERS = (0.0, 1.0, 2, 3.0, 1.5, -2.5, 1e-5, 3e22)
VALUES = (*NUMBERS, *NUMBERS, *NUMBERS, "1k", "1.5", "word", None)
PRINTED = (
    "{{ supply }}", "{{ other }}", "dc {{ supply }}", "DC {{ other }}", "1", "2.0", "1.50e0", "dc", "ac 1",
    "ac {{ supply }}", "{{ supply }}0", "{{ supply }}{{ other }}", "0{{ supply }}", "-{{ supply }}", "1e400",
    "{{ -supply }}", "{{ supply | int }}", "{{ supply if supply > 1 else 1 }}", "dc=2", "dc = 2", "m=2", "1k",
    "pulse(0 {{ supply }} 1n)", "{{ 'ab' if other > 1 else 'cd' }}", "", "", "", "v",
)  # fmt: skip
SUPPLY = (
    "Vsup s 0 {{ supply }}", "Vsup s 0 {{ supply }} @", "VSUP\ts  0 dc {{ supply }}", "Vsup s 0 @",
    "Vsup s 0\n+{{ supply }} @", "Vsup s 0\n* between\n + dc @", "Vsup s 0 {{ supply }}\n+ dc 2",
    ".subckt half x\nVsup x 0 {{ supply }}\n.ends",
)  # fmt: skip
OTHER = (
    "Voth o 0 {{ other }}", "voth o 0 DC {{ other }} @", "Voth o 0\n+\n+ {{ other }}", "Voth o 0 @", "* none",
)  # fmt: skip
LINES = (
    "vsup s 0 @", "Voth o 0 @", "Vsup s 0", "+ @", "+@", " + @ @", "* @", "* Vsup s 0 @", "R1 s 0 @", "",
    ".subckt half x\n@\n.ends", ".subckt half x\nVsup x 0 @\n.ends", ".SUBCKT other x\nVoth x 0 1\n.ENDS",
    ".subckt x y", ".ends", ".param v=@", "X1 s half", "Vsup2 s 0 @", "Vsup t 0 1", "B1 a 0 v=@",
    "{% if supply > 1 %}\nVsup2 s 0 @\n{% endif %}", "{% if other > 1 %}\n@ 0 0 1\n{% endif %}",
    "{% set supply = 3 %}", "{% set x = supply %}R2 s 0 {{ x }}",
    "{% for supply in range(2) %}\nR{{ supply }} s 0 1\n{% endfor %}",
    "{% macro m(x) %}{{ supply }}{% endmacro %}Rm{{ m(other) }} s 0 1",
)  # fmt: skip


class Parameters(NetlistParameters):
    supply: float | int | str | None = 1.0
    other: float | int | str | None = 1.0


class Source(Bench):
    Parameters: ClassVar[type[NetlistParameters]] = Parameters
    name: ClassVar[str] = "fuzz_altered"
    title: ClassVar[str] = "sources among any lines"
    columns: ClassVar[dict[str, str]] = {"s": "V"}
    file: ClassVar[Path]

    def netlist(self, parameters) -> Netlist:
        return render(Template.from_file(self.file), parameters)

    def analysis(self, parameters):
        return Op()

    def measure(self, parameters, waveforms):
        raise AssertionError


class OneSource(Source):
    altered: ClassVar[dict[str, str]] = {"supply": "Vsup"}


class TwoSources(Source):
    altered: ClassVar[dict[str, str]] = {"supply": "vsup", "other": "voth"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("altered")


def drawn_template(random) -> str:
    """Lines of two sources, and among them what might be taken for them, in any order."""
    more = random.choices(LINES, k=random.choice((0, 0, 1, 1, 2, 3)))
    lines = [random.choice(SUPPLY), random.choice(OTHER), *more]
    random.shuffle(lines)
    filled = (re.sub("@", lambda _: random.choice(PRINTED), line) for line in ["* title @", *lines])
    return "\n".join(filled) + "\n"


def circuit(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Statements as SPICE reads them: whether inside a subcircuit, and the words."""
    body = "\n".join(line for line in text.lower().split("\n")[1:] if not line.strip().startswith("*"))
    inside = 0
    for statement in re.sub(r"\n\s*\+", " ", body).split("\n"):
        words = statement.split()
        inside -= words[:1] == [".ends"]
        if words:
            yield inside > 0, words
        inside += words[:1] == [".subckt"]


def with_values(text: str, values: dict[str, float] | None = None, *, of: Iterable[str] = ()) -> list[Any]:
    """A circuit whose sources hold numbers: their own, or those that ``alter`` has given them."""
    statements = []
    for inside, words in circuit(text):
        source = words[0]
        if not inside and source in of:
            place = 4 if words[3] == "dc" else 3
            value = float(values[source] if values else words[place])
            assert "dc" not in words[place + 1 :], "which value holds is not clear"
            words = [*words[:place], value, *words[place + 1 :]]
        statements.append((inside, words))
    names = [words[0] for inside, words in statements if not inside]
    assert all(names.count(source) == 1 for source in of)
    return statements


@fuzz(0.4)
@given(random=seeds)
def test_sources_are_altered_only_where_the_netlist_asked_for_has_just_these_values(place, random):
    Source.file = place / "any.cir.j2"
    Source.file.write_text(drawn_template(random))
    bench = random.choice((OneSource, TwoSources))()
    loaded = Parameters()
    try:
        alterations = Alterations(bench, loaded, bench.netlist(loaded), bench.netlist)
    except CimspiceError:
        return
    for _ in range(4):
        point = Parameters(supply=random.choice(VALUES), other=random.choice((1.0, *VALUES)))
        try:
            own = alterations.own_netlist(point)
            wanted = bench.netlist(point).text
        except CimspiceError:
            continue
        if own is not None:
            assert own.text == wanted
            continue
        values = {source.lower(): getattr(point, name) for name, source in bench.altered.items()}
        altered = with_values(alterations.netlist.text, values, of=values)
        assert altered == with_values(wanted, of=values)
