"""Nothing that a user or a template gives can run a command, read a file, or become another SPICE line."""

import re
from typing import Annotated

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cimspice.errors import CimspiceError, TemplateError
from cimspice.netlist import Name, Netlist, NetlistParameters, Template, quantity, render
from cimspice.netlist.check import DOT_WORDS, ELEMENTS


class Load(NetlistParameters):
    resistance: Annotated[float, quantity("ohm", gt=0)] = 1e3
    count: int = 1
    node: Name = "out"
    word: str = ""


@pytest.fixture
def rendered(tmp_path):
    def text(source: str, **values) -> str:
        path = tmp_path / "load.cir.j2"
        path.write_text(source, encoding="utf-8", newline="")
        return render(Template.from_file(path), Load(**values)).text

    return text


COMMANDS = [
    ".control", ".CONTROL", "  .control", ".endc", ".include x", ".INC x", ".lib x tt", ".end",
    ".options gmin=1", ".option reltol=1", ".temp 27", ".tran 1n 1u", ".op", ".save all",
    ".meas tran x max v(a)", ".csparam a=1", ".load x", ".exec ls", "*# shell ls", " *# shell ls",
    "*ng_script", "*NG_SCRIPT", "shell ls", "source x", "codemodel x.cm", "A1 [a] [b] d_process",
    "a1 %v([a]) filesrc", ".model f filesource (file='x')", "R1 a 0 `ls`", "R1 a 0 $HOME",
    "Vx a 0 pwl file='x'", "R1 a 0 1 \\", 'R1 a 0 "x"', "+ 1", "=1", "@x", "# x", "1 a 0",
    "R1 a 0 \x00", "R1 a 0 1\x0b.control", "* \x1b[2J", "* \x0c.control", "R1 a 0 µ",
    "R1 a 0 1\x85.control", "* \u2028.control",
]  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_are_refused(line):
    with pytest.raises(TemplateError):
        Netlist(f"* title\n{line}\n", "test")


@given(st.text())
@example("R1 a 0 1\n.control\nshell ls\n.endc")
@example("R1 a 0 1\r.control")
def test_whatever_passes_has_only_elements_comments_and_listed_dot_lines(body):
    try:
        text = Netlist("* title\n" + body, "test").text
    except TemplateError:
        return
    for line in re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        word = line.strip().lower()
        if word.startswith("*"):
            assert not word.startswith(("*#", "*ng_script"))
        elif word:
            assert word[0] in ELEMENTS | {"+"} or re.match(r"\.\w*", word)[0] in DOT_WORDS


@given(node=st.text(), word=st.text())
@example(node="out\n.control", word="")
@example(node="out", word="1\nR2 a 0 1")
@example(node="out", word=".include")
def test_no_text_of_a_user_makes_another_line(tmp_path_factory, node, word):
    path = tmp_path_factory.getbasetemp() / "one_line.cir.j2"
    if not path.exists():
        path.write_text("* title\nR1 {{ node }} {{ word }}x {{ resistance }}\n")
    try:
        lines = render(Template.from_file(path), Load(node=node, word=word)).text.split("\n")
    except CimspiceError:
        return
    assert len(lines) == 3
    assert len(lines[1].split()) == 4


@pytest.mark.parametrize(
    "source",
    [
        "{{ resistance.__class__ }}",
        "{{ node.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.join(['a']) }}",
        "{{ node.format(resistance) }}",
        "{{ '{0.__class__}'.format(node) }}",
        "{{ range.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ cycler }}",
        "{{ lipsum() }}",
        "{{ node | attr('upper') }}",
        "{{ node | map('upper') }}",
        "{% import 'load' as load %}",
        "{% from 'load' import x %}",
        "{% extends 'load' %}",
        "{% block b %}{% endblock %}",
        "{% set x %}R1 a 0 1\nR2 a 0 1{% endset %}{{ x }}",
        "{% filter upper %}r{% endfilter %}",
        "{% call range(3) %}{% endcall %}",
        "{% include node %}",
        "{% include ['load', 'x'] %}",
        "{% do 1 %}",
        "{{ 'a\nR1 a 0 1' }}",
        "{{ 'a' ~ ' b' }}",
        "{{ '%s' % node }}",
    ],
)
def test_python_behind_a_template_is_out_of_reach(rendered, source):
    with pytest.raises(TemplateError):
        rendered("* title\n" + source + "\n")


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**12) %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10**9 }}",
        "{{ 10**10**10 }}",
        "{{ 9**999999999 }}",
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
        "{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}",
        "{% macro f(x) %}{{ x }}{{ x }}{% endmacro %}"
        "{% set n = namespace(s='a') %}{% for i in range(64) %}{% set n.s = f(n.s) %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(64) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% include 'load' %}",
        "{% for i in [1, [2]] recursive %}{{ loop([3]) }}{% endfor %}",
        "{% for i in range(count) %}{% endfor %}",
    ],
)
def test_endless_templates_end(rendered, source):
    with pytest.raises(TemplateError):
        rendered("* title\n" + source + "\n", count=10**9)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../../x", "..", ".hidden", "a//b", "a\\b", "", "a\0b", "~/x", "C:x", "a/./b"],
)
def test_template_names_do_not_leave_their_folder(rendered, name):
    with pytest.raises(TemplateError):
        Template.packaged(name)
    with pytest.raises(TemplateError):
        rendered("* title\n{% include '" + name.replace("\\", "\\\\") + "' %}\n")


@given(st.text(alphabet="./\\ab~%\0 ", max_size=12))
def test_no_name_is_found_outside(name):
    with pytest.raises(TemplateError):
        Template.packaged(name)


def test_files_and_links_outside_the_folder_are_refused(tmp_path):
    outside = tmp_path / "outside.cir.j2"
    outside.write_text("* secret\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.cir.j2").symlink_to(outside)
    for path in (outside, inside / "link.cir.j2", "../outside.cir.j2"):
        with pytest.raises(TemplateError, match="outside"):
            Template.from_file(path, inside)
    (inside / "main.cir.j2").write_text("* t\n{% include 'link' %}\n")
    with pytest.raises(TemplateError, match="leads out"):
        render(Template.from_file(inside / "main.cir.j2"), Load())
