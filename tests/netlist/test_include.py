"""Model files in a netlist: only from folders that the user allows, checked as the netlist itself is."""

from __future__ import annotations

from typing import Annotated

import pytest

from cimspice.errors import ParameterError, TemplateError
from cimspice.netlist import NetlistParameters, Template, allow_includes, quantity, render
from cimspice.netlist import include as including


class Load(NetlistParameters):
    resistance: Annotated[float, quantity("ohm", gt=0)] = 1e3


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    (folder / "resistors.spice").write_text(
        "* foundry models\n*# shell touch pwned\n.param sheet=50 $ ohm\n"
        ".include 'deep/inner.spice' ; relative to this file\n"
    )
    (folder / "deep" / "inner.spice").write_text(".subckt res a b w=1\nR1 a b\n+ {sheet/w}\n.ends res\n")
    (folder / "corners.lib").write_text(
        ".param outside=1\n.lib TT\n.param sheet=50\n.endl TT\n"
        ".lib ss\n.lib 'corners.lib' tt\n.param slow=1\n.endl\n"
    )
    return folder


@pytest.fixture
def rendered(tmp_path):
    def make(directive: str) -> str:
        path = tmp_path / "load.cir.j2"
        path.write_text(f"* load\n{directive}\nXr a 0 res w=2\nRl a 0 {{{{ resistance }}}}\n")
        return render(Template.from_file(path), Load())

    return make


def test_nothing_is_included_unless_the_user_allows_a_folder(rendered, models):
    for directive in (f".include {models}/resistors.spice", f".lib {models}/corners.lib tt"):
        with pytest.raises(TemplateError, match=r"include-root|not allowed"):
            rendered(directive)


@pytest.mark.parametrize(
    "name", ["resistors.spice", "'resistors.spice'", '"deep/../resistors.spice"', "{models}/resistors.spice"]
)
def test_an_allowed_file_and_what_it_includes_stand_in_the_text_without_comments(rendered, models, name):
    with allow_includes(models):
        netlist = rendered(".include " + name.format(models=models))
    assert netlist.text.split("\n") == [
        "* load", ".param sheet=50", ".subckt res a b w=1", "R1 a b", "+ {sheet/w}", ".ends res",
        "Xr a 0 res w=2", "Rl a 0 1000.0", "",
    ]  # fmt: skip
    assert [name for name in netlist.sources if "spice" in name] == [
        "models/resistors.spice",
        "models/deep/inner.spice",
    ]


def test_a_section_of_a_library_is_taken_alone(rendered, models):
    with allow_includes(models):
        assert ".param sheet=50\n.param slow=1\nXr" in rendered(".lib corners.lib SS").text
        assert "* load\n.param outside=1\nXr" in rendered(".include corners.lib").text
        with pytest.raises(TemplateError, match="no section 'ff'"):
            rendered(".lib corners.lib ff")


def test_the_digest_follows_the_content_of_included_files(rendered, models):
    with allow_includes(models):
        before = rendered(".include resistors.spice").digest
        assert rendered(".include resistors.spice").digest == before
        inner = models / "deep" / "inner.spice"
        inner.write_text(inner.read_text().replace("sheet/w", "2*sheet/w"))
        assert rendered(".include resistors.spice").digest != before


def test_allowing_folders_changes_no_netlist_that_includes_nothing(models):
    before = render("bench/transistor", _transistor())
    with allow_includes(models):
        assert render("bench/transistor", _transistor()).digest == before.digest


def _transistor():
    from cimspice.bench import bench

    return bench("transistor").Parameters()


@pytest.mark.parametrize(
    "way", ["absolute", "dots", "link", "linked folder", "nested", "nested link", "home"]
)
def test_no_way_leads_out_of_the_allowed_folders(rendered, models, tmp_path, way):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.spice").write_text("Rsecret a 0 1\n")
    (models / "link.spice").symlink_to(outside / "secret.spice")
    (models / "folder").symlink_to(outside)
    (models / "nested.spice").write_text(".include ../outside/secret.spice\n")
    (models / "nested_link.spice").write_text(".include 'folder/secret.spice'\n")
    name = {
        "absolute": str(outside / "secret.spice"), "dots": "../outside/secret.spice", "link": "link.spice",
        "linked folder": "folder/secret.spice", "nested": "nested.spice", "nested link": "nested_link.spice",
        "home": "~/secret.spice",
    }[way]  # fmt: skip
    with (
        allow_includes(models),
        pytest.raises(TemplateError, match=r"not in the allowed|outside the allowed"),
    ):
        rendered(f".include {name}")
    with allow_includes(models, outside):
        if way != "home":
            assert "Rsecret" in rendered(f".include {name.removeprefix('../outside/')}").text


@pytest.mark.parametrize(
    "line",
    [
        ".control", "  .CONTROL", ".endc", ".end", ".option savecurrents", ".options scale=1u", ".temp 85",
        ".tran 1n 1u", "A1 [a] [b] program", ".model f filesource (file='x')", "Vx a 0 pwl file='x'", "+ 1",
        "R1 a 0 `id`", 'R1 a 0 "x"', "shell id\n.control", "R1 a 0 1 \\", ".lib a\n.lib b\n", ".include",
        ".lib 'corners.lib'  tt  ss", ".include missing.spice", ".include /dev/zero", ".csparam a=1",
        "R1 a 0 \x00", ".protect", ".subckt open a", ".ends",
    ],
)  # fmt: skip
def test_an_included_file_holds_nothing_that_a_netlist_may_not(rendered, models, line):
    (models / "bad.spice").write_text(f"R0 a 0 1\n.include deep/inner.spice\n{line}\n")
    with allow_includes(models), pytest.raises(TemplateError):
        rendered(".include bad.spice")


def test_the_error_names_file_and_line(rendered, models):
    (models / "bad.spice").write_text("* words\nR0 a 0 1\n.control\n")
    with allow_includes(models), pytest.raises(TemplateError) as caught:
        rendered(".include bad.spice")
    assert caught.value.place == f"{models}/bad.spice, line 3"


def test_endless_and_huge_includes_end(rendered, models, monkeypatch):
    (models / "self.spice").write_text(".include self.spice\n")
    for level in range(30):
        (models / f"tower{level}.spice").write_text(f".include tower{level + 1}.spice\n" * 2)
    (models / "fork.spice").write_text("* words\n" + ".include leaf.spice\n" * 100)
    (models / "leaf.spice").write_text("R1 a 0 1\n" * 10)
    monkeypatch.setattr(including, "LARGEST_SUM", 5000)
    for name, words in (("self", "by itself"), ("tower0", "levels deep"), ("fork", "may have")):
        with allow_includes(models), pytest.raises(TemplateError, match=words):
            rendered(f".include {name}.spice")


def test_a_root_that_is_no_folder_is_refused(models):
    with pytest.raises(ParameterError, match="no folder"), allow_includes(models / "resistors.spice"):
        pass


def test_after_the_context_nothing_is_allowed_any_more(rendered, models):
    with pytest.raises(TemplateError, match="missing"), allow_includes(models):
        rendered(".include missing.spice")
    with pytest.raises(TemplateError, match="not allowed"):
        rendered(".include resistors.spice")
