"""Netlists, templates, tables, model libraries, raw files: any text gives an object or an error of ours."""

from __future__ import annotations

import contextlib
import math
import re
import warnings
from typing import Annotated

import numpy as np
import pytest
from fuzz_documents import WORDS, broken, fuzz, hostile, seeds
from fuzz_watch import watched
from hypothesis import given
from hypothesis import strategies as st

from cimspice.campaign.bench_files import named_files
from cimspice.errors import CimspiceError
from cimspice.fit.measured import read_measured
from cimspice.fit.table import SCHEMAS
from cimspice.netlist import Name, Netlist, NetlistParameters, Template, allow_includes, quantity, render
from cimspice.netlist.check import DOT_WORDS, ELEMENTS
from cimspice.pdk.expression import evaluate, without_random_terms
from cimspice.pdk.instances import instance_paths
from cimspice.pdk.library import Library
from cimspice.pdk.subcircuit import parse_subcircuit
from cimspice.resources import data_directory
from cimspice.spice.batch import read_raw
from cimspice.spice.lint import check_models, check_netlist

PIECES = (
    "R1 a 0 1k", "C1 a 0 {c*2}", "X1 a b inner w=1", ".subckt inner a b w=1 l={w*2}", ".ends", ".param x=1",
    ".model n nmos (level=54 vth0=0.4", "+ tox=1e-9)", ".include 'inner.spice'", ".lib 'inner.spice' tt",
    ".lib tt", ".endl tt", ".control", ".endc", "shell touch pwned", "*# shell touch pwned", "* words",
    ".end", "$ x", "`id`", ".if (x==1)", ".else", ".endif", "B1 a 0 v=v(b)/{x-1}", "A1 [a] [b] m",
    ".inc ../secret", "x", "+ 1", "", "\t", "sky130_fd_pr__nfet_01v8",
    "Xn d g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.15", "\x00", "µ", "\r", "\x0c.control", "\x85.control",
    ".param y='agauss(0,1,3)*x'", ".param s = {1+2*(3-x)}", "E1 a 0 b 0 1", ".func f(x) {x*2}",
)  # fmt: skip
MARKS = (
    "{{ resistance }}", "{{ node }}", "{{ ", " }}", "{% ", " %}", "{# ", " #}",
    "{% for i in range(count) %}", "{% for i in range(10**9) %}", "{% endfor %}", "{% if node == 'a' %}",
    "{% else %}", "{% endif %}", "{% set x = 3 %}", "{% macro f(a) %}", "{% endmacro %}", "{{ f(1) }}",
    "{{ node.__class__ }}", "{{ f(f) }}", "{{ node | attr('x') }}", "{% include 'inner' %}",
    "{% include '../secret' %}", "{{ 'a' * 9**9 }}", "{{ 1/0 }}", "{{ [1, 2] | sum }}", "{{ (1, 2)[7] }}",
    "{{ namespace(a=1).a }}", "{{ '%s' % node }}", "{{ range }}", "{{ self }}", "{{ loop }}", "{% raw %}",
    "{% endraw %}", "{{ x.y }}", "{{ 1 if count in range(9) }}", "{{ zip([1], 2) }}", "{{ -count ** 0.5 }}",
    "{{ node ~ 'x' }}", "{{ 10 ** 400 }}", "{% block a %}", "- ", "|",
)  # fmt: skip

EXPRESSION = (
    "x", "1", "2.5u", "(", ")", "+", "-", "*", "/", "^", "**", "sqrt(", "min(", "pow(", ",", "'", "{", "}",
    "agauss(", "0,1,3)", "nan", "inf", "9" * 400, "1e308", " ", "lambda", "__import__('os')", "[", "x.y",
    "if", "\x00", "\n", "exp(", ":=",
)  # fmt: skip


class Load(NetlistParameters):
    resistance: Annotated[float, quantity("ohm", gt=0)] = 1e3
    count: int = 2
    node: Name = "out"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder.parent / "secret").write_text("Rsecret a 0 1\n")
    (folder.parent / "secret.cir.j2").write_text("Rsecret a 0 1\n")
    return folder


@contextlib.contextmanager
def only_our_errors(place):
    with (
        watched(place),
        warnings.catch_warnings(),
        contextlib.suppress(CimspiceError),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def lines_of(random, pieces, longest=12):
    """Lines of known pieces and hostile words."""
    chosen = (
        random.choice(random.choice((pieces, pieces, WORDS))) for _ in range(random.randint(0, longest))
    )
    return random.choice(("\n", " ", "\r\n")).join(str(one) for one in chosen)


def assert_harmless(text):
    """No line of a netlist commands ngspice, names a file, or begins with what is no element."""
    for line in re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        word = line.strip().lower()
        if word.startswith("*"):
            assert not word.startswith(("*#", "*ng_script"))
        elif word:
            assert word[0] in ELEMENTS | {"+"} or re.match(r"\.\w*", word)[0] in DOT_WORDS
            assert "rsecret" not in word


@fuzz(2)
@given(random=seeds)
def test_netlists(random):
    with contextlib.suppress(CimspiceError):
        assert_harmless(Netlist("* title\n" + lines_of(random, PIECES), "fuzz").text)


@fuzz(2)
@given(random=seeds)
def test_templates(place, random):
    path = place / "main.cir.j2"
    source = "* title\n" + "".join(lines_of(random, random.choice((PIECES, MARKS)), 4) for _ in range(4))
    path.write_text(source, encoding="utf-8", errors="replace", newline="")
    (place / "inner.cir.j2").write_text("R9 a 0 {{ resistance }}\n")
    with only_our_errors(place):
        assert_harmless(render(Template.from_file(path), Load(count=random.randint(0, 9))).text)


@fuzz(0.5)
@given(random=seeds)
def test_packaged_templates_with_pieces_changed(place, packaged, random):
    path = place / "changed.cir.j2"
    path.write_bytes(broken(random.choice(packaged), random))
    with only_our_errors(place):
        assert_harmless(render(Template.from_file(path), Load()).text)


@pytest.fixture(scope="module")
def packaged():
    return [path.read_bytes() for path in sorted(data_directory("netlists").rglob("*.cir.j2"))]


@fuzz()
@given(random=seeds)
def test_included_model_files(place, random):
    (place / "inner.spice").write_text(
        lines_of(random, PIECES), encoding="utf-8", errors="replace", newline=""
    )
    (place / "models.spice").write_text(
        "\n".join(random.sample(PIECES, 5)), encoding="utf-8", errors="replace", newline=""
    )
    path = place / "includes.cir.j2"
    path.write_text(
        f"* title\n.lib models.spice tt\n.include '{random.choice(('models.spice', 'inner.spice'))}'\n"
    )
    with allow_includes(place), only_our_errors(place):
        assert_harmless(render(Template.from_file(path), Load()).text)


@fuzz()
@given(random=seeds)
def test_decks(random):
    text = "* title\n" + lines_of(random, PIECES)
    with contextlib.suppress(CimspiceError):
        check_netlist(text, lines_of(random, PIECES))
    with contextlib.suppress(CimspiceError):
        check_models(text)
    with contextlib.suppress(CimspiceError):
        instance_paths(text)


@fuzz()
@given(random=seeds)
def test_measured_tables(place, random):
    path = place / "measured.csv"
    schema = random.choice(list(SCHEMAS.values()))
    names = [f"{name}{random.choice(('', '_mV', ' (nA)', '[V]', '_s'))}" for name in schema.columns]
    cells = (*WORDS, "0.5", "1e-9", "n", "p", "on", "1,5", "", '"', "''", "nan", "1e999", "mV", "tt")
    rows = [",".join(random.choice(cells) for _ in names) for _ in range(random.randint(0, 4))]
    content = "\n".join([",".join(names), *rows]).encode("utf-8", "surrogatepass")
    path.write_bytes(broken(content, random) if random.random() < 0.5 else content)
    with only_our_errors(place):
        table = read_measured(path, schema, constants=random.choice(({}, {"polarity": "n"})))
        assert not any(
            str(cell).startswith(("=", "+", "@", "\t")) for cell in table.astype(str).to_numpy().flat
        )


@fuzz(2)
@given(random=seeds)
def test_expressions(random):
    text = "".join(random.choice(EXPRESSION) for _ in range(random.randint(1, 14)))
    if random.random() < 0.01:
        text = "(" * random.choice((90, 300, 5000)) + text
    with contextlib.suppress(CimspiceError):
        value = evaluate(without_random_terms(text), lambda name: 2.0)
        assert isinstance(value, float)


@fuzz()
@given(random=seeds)
def test_model_libraries(place, random):
    path = place / "library.spice"
    body = lines_of(random, PIECES)
    path.write_text(f".lib tt\n{body}\n.endl\n.lib ss\n.include library.spice\n.endl", encoding="latin-1",
                    errors="replace")  # fmt: skip
    with only_our_errors(place):
        section = Library(path).section(random.choice(("tt", "ss", "xx")))
        for text in section.subcircuits.values():
            parse_subcircuit(text)
        for text in section.parameters.values():
            evaluate(text, lambda name: 1.0)


RAW = (
    b"Title: t\nDate: now\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 2\nNo. Points: 3\n"
    b"Variables:\n\t0\ttime\ttime\n\t1\tv(out)\tvoltage\nBinary:\n"
) + np.arange(6.0).tobytes()


@fuzz()
@given(random=seeds)
def test_raw_files(place, random):
    path = place / "out.raw"
    path.write_bytes(broken(RAW * random.randint(1, 2), random))
    with only_our_errors(place):
        for plot in read_raw(path):
            assert len({len(values) for values in plot.vectors.values()}) <= 1


@fuzz()
@given(text=st.text())
def test_any_text_as_template_or_netlist(place, text):
    (place / "any.cir.j2").write_text(text, encoding="utf-8", newline="")
    with only_our_errors(place):
        assert_harmless(render(Template.from_file(place / "any.cir.j2"), Load()).text)


@fuzz(0.1)
@given(words=st.lists(st.text() | st.sampled_from(WORDS) | st.just("/" + "a" * 300) | st.just("~\x00a")))
def test_texts_in_the_code_of_a_bench(place, words):
    found, _ = named_files([place], [], words, listed=False)
    assert all(file.path.is_file() for file in found)


@fuzz(0.5)
@given(random=seeds)
def test_parameters(random):
    with contextlib.suppress(CimspiceError):
        given = Load.parse({"resistance": hostile(random), "node": hostile(random)}, place="fuzz")
        assert math.isfinite(given.resistance)
        assert re.fullmatch(r"\w+", given.node)
