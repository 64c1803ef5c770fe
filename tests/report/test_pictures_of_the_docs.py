"""Every picture of the docs is shown on a page and can be made anew."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import pytest

from cimspice.cli.app import run
from cimspice.families import campaigns

ROOT = Path(__file__).parents[2]
RENEW = runpy.run_path(str(ROOT / "docs" / "images" / "renew.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_picture_is_on_a_page_and_has_its_command():
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.-]+\.png)", page.read_text("utf-8"))}
    made = {*RENEW["PICTURES"], *RENEW["BENCHMARKS"]}
    assert shown == made == {path.name for path in (ROOT / "docs" / "images").glob("*.png")}


@pytest.mark.parametrize("command", sorted({command for command, _ in RENEW["PICTURES"].values()}))
def test_the_commands_of_pictures_exist(command, capsys):
    words = shlex.split(command)
    assert run([*words[: 1 if words[0] in ("program", "characterize") else 2], "--help"]) == 0
    reported = capsys.readouterr().out
    assert all(word in reported for word in words if word.startswith("--"))


def test_the_figures_of_campaigns_are_named_as_the_pictures_take_them():
    for command, file in RENEW["PICTURES"].values():
        if command.startswith("characterize"):
            text = campaigns()[command.split()[1]].read_text("utf-8")
            assert Path(file).stem in [figure["name"] for figure in tomllib.loads(text)["figure"]]
