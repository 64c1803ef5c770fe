"""A template and its parameters become a netlist, and errors say where."""

import pickle
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import ParameterError, TemplateError
from cimspice.netlist import Name, Netlist, NetlistParameters, Template, quantity, render

ROW = """\
* row of {{ weights | length }} synapses
.param vdd={{ supply }}
{# one transistor per weight #}
{% macro synapse(index, weight) %}
{% if weight > 0 %}
Xn{{ index }} membrane g{{ index }} 0 0 sky130_fd_pr__nfet_01v8 w={{ width | micrometres }} l=0.25
{% else %}
Xp{{ index }} membrane g{{ index }} vdd vdd sky130_fd_pr__pfet_01v8 w={{ width | micrometres }} l=0.25
{% endif %}
{% endmacro %}

{% for weight in weights %}
{{ synapse(loop.index0, weight) }}
Vg{{ loop.index0 }} g{{ loop.index0 }} 0 {{ weight }}
{% endfor %}
Vs vdd 0 PWL({% for t, v in ramp %}{{ t }} {{ v }} {% endfor %})
"""


class Row(NetlistParameters):
    supply: Annotated[float, quantity("V", ge=0, le=1.95)] = 1.8
    width: Annotated[float, quantity("m", gt=0)] = 4.2e-07
    weights: tuple[Annotated[float, quantity("V")], ...] = (0.3, -0.5)
    ramp: tuple[tuple[float, float], ...] = ((0, 0), (1e-9, 1.8))
    label: Name = "n1"


@pytest.fixture
def write(tmp_path):
    def template(text: str, name: str = "row") -> Template:
        path = tmp_path / f"{name}.cir.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return Template.from_file(path, tmp_path)

    return template


def test_text_is_what_a_designer_would_have_written(write):
    netlist = render(write(ROW), Row())
    assert netlist.text == (
        "* row of 2 synapses\n"
        ".param vdd=1.8\n"
        "Xn0 membrane g0 0 0 sky130_fd_pr__nfet_01v8 w=0.42 l=0.25\n"
        "Vg0 g0 0 0.3\n"
        "Xp1 membrane g1 vdd vdd sky130_fd_pr__pfet_01v8 w=0.42 l=0.25\n"
        "Vg1 g1 0 -0.5\n"
        "Vs vdd 0 PWL(0.0 0.0 1e-09 1.8 )\n"
    )
    assert netlist.title == "row of 2 synapses"
    assert netlist.template == "row"
    assert netlist.parameters["weights"] == [0.3, -0.5]


def test_digest_follows_the_content_and_survives_pickling(write):
    template = write(ROW)
    first, second, other = (render(template, Row(supply=v)) for v in (1.8, 1.8, 1.7))
    assert first.digest == second.digest != other.digest
    assert pickle.loads(pickle.dumps(first)) == first
    assert len({first, second, other}) == 2


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_every_weight_is_in_the_text_exactly(tmp_path_factory, weights):
    path = tmp_path_factory.getbasetemp() / "weights.cir.j2"
    if not path.exists():
        path.write_text("* t\n{% for w in weights %}\nV{{ loop.index }} a 0 {{ w }}\n{% endfor %}\n")
    text = render(Template.from_file(path), Row(weights=weights)).text
    assert [float(line.split()[-1]) for line in text.splitlines()[1:]] == weights


def test_changed_template_is_read_again(write):
    assert "R1" in render(write("* t\nR1 a 0 1\n"), Row()).text
    assert "R2" in render(write("* t\nR2 a 0 1\n* longer\n"), Row()).text


def test_users_template_includes_its_own_and_packaged_parts(write):
    write("R1 a 0 {{ supply }}\n", "parts/load")
    assert render(write('* t\n{% include "parts/load" %}\n'), Row()).text == "* t\nR1 a 0 1.8\n"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("* t\nR1 a 0 {{ suply }}\n", 2, "supply, width, weights"),
        ("* t\n\n{% if supply > 5 %}\nR1 a 0 {{ suply }}\n{% endif %}\n", 4, "'suply'"),
        ("* t\n\nR1 a 0 {{ weights[2] }}\n", 3, "indices run from 0 to 1"),
        ("* t\nR1 a 0 {{ weights[-1] }}\n", 2, "does not exist"),
        ("* t\nR1 a 0 {{ weights }}\n", 2, "cannot be printed"),
        ("* t\n\n\nR1 a 0 {{ supply / (width - width) }}\n", 4, "division by zero"),
        ("* t\nR1 a 0 {{ 1e308 * 10 }}\n", 2, "not a finite number"),
        ("* t\nR1 a 0 {{ supply | round }}\n", 2, "no filter 'round'"),
        ("* t\n{% for w in weights %}\nR1 a 0 1\n", 2, "endfor"),
        ("* t\nR1 a 0 {{ 'two words' }}\n", 2, "not one word"),
        ("* t\n{% for w in supply %}{% endfor %}\n", 2, "loop runs over 1.8"),
        ('* t\n{% include "nothing" %}\n', 2, "no template 'nothing'"),
        ("* t\nR1 a 0 {{ supply + label }}\n", 2, "'+' between 1.8 and 'n1'"),
        ("R1 a 0 1\n", 1, "begins with a title"),
        ("* t\nR1 a 0 1\n.tran 1n 1u\n", 3, "analyses and outputs are given in Python"),
        ("* t\n.subckt s a b\nR1 a b 1\n", 2, ".subckt without .ends"),
    ],
)
def test_errors_name_template_line_and_remedy(write, source, line, words):
    with pytest.raises(TemplateError) as caught:
        render(write(source), Row())
    text = str(caught.value)
    assert words in text
    assert "row" in caught.value.place, caught.value
    assert f"line {line}" in text


def test_an_error_inside_an_included_part_names_that_part(write):
    write("R1 a 0 1\nR2 a 0 {{ weights[7] }}\n", "parts/load")
    with pytest.raises(TemplateError) as caught:
        render(write('* t\n{% include "parts/load" %}\n'), Row())
    assert "load.cir.j2, line 2" in caught.value.place


def test_a_relative_path_is_found_from_here_or_from_the_root(write, tmp_path, monkeypatch):
    write(ROW, "mine/row")
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "mine"
    assert Template.from_file("mine/row.cir.j2", "mine") == Template.from_file("row.cir.j2", root)
    assert Template.from_file("mine/row.cir.j2").root == root


def test_what_is_not_a_template_or_not_parameters_is_refused(write, tmp_path):
    with pytest.raises(TemplateError, match="subclass of NetlistParameters"):
        render(write(ROW), {"supply": 1.8})  # pyright: ignore[reportArgumentType] (that is what is tested)
    with pytest.raises(TemplateError, match="there is no template"):
        Template.packaged("neuron/does_not_exist")
    (tmp_path / "plain.txt").write_text("* t")
    with pytest.raises(TemplateError, match="name it"):
        Template.from_file(tmp_path / "plain.txt")
    (tmp_path / "latin.cir.j2").write_bytes(b"* \xff\n")
    with pytest.raises(TemplateError, match="UTF-8"):
        render(Template.from_file(tmp_path / "latin.cir.j2"), Row())


def test_a_parameter_that_overflows_in_a_computed_field_is_refused():
    from pydantic import computed_field

    class Overflowing(NetlistParameters):
        value: float = 1e300

        @computed_field
        @property
        def square(self) -> float:
            return self.value * self.value

    with pytest.raises(ParameterError, match="square"):
        Overflowing()


def test_a_netlist_is_checked_however_it_is_made():
    assert Netlist("* t\nR1 a 0 1\n", "here").parameters == {}
    with pytest.raises(TemplateError, match="control"):
        Netlist("* t\n.control\nquit\n.endc\n", "here")
