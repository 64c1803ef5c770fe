"""Reading a library: sections, includes, later definitions win, nothing is read outside the section."""

from __future__ import annotations

import pytest

from cimspice.errors import PdkError
from cimspice.pdk.corners import global_value, parameters_for
from cimspice.pdk.devices import device
from cimspice.pdk.expression import number
from cimspice.pdk.instances import instances
from cimspice.pdk.library import Library, assignments, section_bodies
from cimspice.pdk.model_slice import subcircuit_of
from cimspice.pdk.source import CORNERS


@pytest.fixture
def library(tmp_path):
    (tmp_path / "sub").mkdir()
    for corner in CORNERS:
        (tmp_path / "sub" / f"{corner}.spice").write_text(
            f"* c\n.param drift = {{1.0+k*{len(corner)}.5}} + s*AGAUSS(0,1,1) ; words = not a parameter\n"
            f".param by_corner = {CORNERS.index(corner)}.25\n"
        )
    (tmp_path / "sub" / "common.spice").write_text(
        ".param k = 2\n+ fixed = 'k*3'\n* between\n+ derived={by_corner/fixed}\n"
        ".subckt part a b\n.param inner = 5\nr1 a b outer r={derived*inner}\n.ends part\n"
        ".model outer r tc1={drift}\n.param fixed = 7\n"
    )
    text = "".join(
        f'.lib {corner}\n.include sub/{corner}.spice\n.include "sub/common.spice"\n.endl {corner}\n'
        for corner in CORNERS
    )
    path = tmp_path / "lib.spice"
    path.write_text("* title\n" + text)
    return Library.open(path)


def test_a_section_holds_what_its_includes_define(library):
    section = library.section("ff")
    assert section.parameters["fixed"] == "7"
    assert set(section.subcircuits) == {"part"}
    assert set(section.models) == {"outer"}
    assert "inner" not in section.parameters
    assert "words" not in section.parameters
    assert global_value(section, "derived") == 1.25 / 7
    assert global_value(section, "drift") == 1.0 + 2 * 2.5


def test_corner_dependent_and_random_parameters_become_numbers(library):
    section = library.section("tt")
    found = parameters_for(library, [section.subcircuits["part"], section.models["outer"]])
    assert found.by_corner["tt"] == {"drift": 6.0, "by_corner": 0.25}
    assert found.by_corner["fs"]["by_corner"] == 4.25
    assert found.fixed == {"fixed": "7", "derived": "{by_corner/fixed}"}


def test_missing_sections_and_includes_are_named(library, tmp_path):
    with pytest.raises(PdkError, match="no section 'sf_lh'"):
        library.section("sf_lh")
    (tmp_path / "sub" / "common.spice").unlink()
    section = library.section("ss")
    assert section.missing == [tmp_path / "sub" / "common.spice"]
    with pytest.raises(PdkError, match="holds no sky130_fd_pr__nfet_01v8") as caught:
        subcircuit_of(section, device("nfet_01v8"))
    assert "common.spice" in caught.value.place


def test_a_changed_library_is_read_again(library):
    before = library.digest(CORNERS)
    library.path.write_text(library.path.read_text() + ".lib new\n.param a = 1\n.endl\n")
    again = Library.open(library.path)
    assert again.section("new").parameters == {"a": "1"}
    assert again.digest(CORNERS) != before


def test_sections_nest_no_others_and_the_last_of_a_name_counts():
    text = ".endl\n.lib A\none\n.lib b\n.endl a\n.lib a x\n.LIB a \ntwo\n.ENDL\n.lib open\nthree\n"
    assert section_bodies(text) == {"a": "\ntwo\n"}


LONG = 200_000


@pytest.mark.parametrize(
    "read",
    [
        lambda: section_bodies(".lib a\n" * LONG) == {},
        lambda: assignments("a" * LONG) == {},
        lambda: instances("* title\nr1 a b 1k\nx" + " " * LONG + "x\n.subckt x\n.ends\n") == [],
        lambda: number("1" * LONG + "x") is None,
    ],
    ids=["sections that nothing closes", "a long word", "a long gap", "many digits"],
)
def test_hostile_text_is_read_in_one_pass(read):
    """The time once grew with the square of the length, to many minutes: that each ends is what is tested."""
    assert read()
