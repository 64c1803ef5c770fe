"""Work in a folder that a stranger filled: start-up files and modules lie in wait, and none is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cimspice.cli.app import run as command
from cimspice.pdk import cache_directory

MODULES = (
    "multiprocessing", "pip", "numpy", "pandas", "matplotlib", "statistics", "progress", "session",
    "pickle", "sitecustomize", "usercustomize", "jinja2", "PySpice", "socket", "struct", "cimspice_evil",
)  # fmt: skip
START_UP_FILES = (".spiceinit", "spice.rc", "spinit", "init.cir")


def set_traps(folder: Path) -> Path:
    """Fill a folder with files that write ``pwned`` if anything runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "pwned"
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
    for name in START_UP_FILES:
        (folder / name).write_text(f"shell echo {name} >> {mark}\n.control\nshell touch {mark}\n.endc\n")
    (folder / "matplotlibrc").write_text("text.usetex: True\nbackend: module://cimspice_evil\n")
    (folder / "setup.cfg").write_text("[tool:pytest]\n")
    (folder / "pip.conf").write_text("[global]\nindex-url = http://localhost:9\n")
    return mark


CAMPAIGN = """
[campaign]
bench = "transistor"
[parameters]
drain_step = 0.9
[sweep]
gate_voltage = [0.9, 1.8]
[[figure]]
name = "curves"
title = "cost: $5 \\\\frac{ </svg><script>"
x = "drain_voltage"
y = "drain_current"
"""


@pytest.mark.spice
def test_a_campaign_report_and_comparison_run_nothing_that_lies_about(tmp_path):
    folder = tmp_path / "stranger"
    mark = set_traps(folder)
    set_traps(folder / "run")
    (folder / "x.toml").write_text(CAMPAIGN)
    environment = {**os.environ, "CIMSPICE_CACHE": str(tmp_path / "cache")}
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "pdk").symlink_to(cache_directory() / "pdk")
    program = Path(sys.executable).with_name("cimspice")
    for words in (
        ["characterize", "x.toml", "-o", "run", "--jobs", "1", "--json"],
        ["report", "run"],
        ["compare", "run", "run"],
        ["pdk", "install", "--archive", "x.toml"],
    ):
        done = subprocess.run(
            [str(program), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        if words[0] == "characterize":
            assert json.loads(done.stdout)["done"] == 2
    assert not mark.exists()
    assert not (folder / "run" / "pwned").exists()
    assert "<script>" not in (folder / "run" / "figures" / "curves.svg").read_text()


BENCH = """
from pathlib import Path
from typing import Annotated, ClassVar
import pandas as pd
from cimspice.bench import Bench, register
from cimspice.netlist import NetlistParameters, Template, quantity, render
from cimspice.spice import Op


class DividerParameters(NetlistParameters):
    voltage: Annotated[float, quantity("V", gt=0)] = 1.0


@register
class Divider(Bench):
    name: ClassVar[str] = "divider_with_included_models"
    title: ClassVar[str] = "a divider of a foundry's resistors"
    Parameters: ClassVar[type[NetlistParameters]] = DividerParameters
    columns: ClassVar[dict[str, str]] = {"output": "V"}

    def netlist(self, parameters):
        return render(Template.from_file(Path(__file__).with_name("divider.cir.j2")), parameters)

    def analysis(self, parameters):
        return Op(save=("b",))

    def measure(self, parameters, waveforms):
        return pd.DataFrame({"output": waveforms["b"]})
"""
TEMPLATE = """* a divider
.lib 'foundry.lib' {{ "typical" }}
Vin a 0 {{ voltage }}
Xtop a b foundry_res squares=1
Xbottom b 0 foundry_res squares=3
"""
FOUNDRY = """* resistors
.lib typical
.include geometry/resistor.spice
.endl typical
"""
RESISTOR = ".subckt foundry_res p n squares=1\nRbody p n {100*pow(squares,2)}\n.ends\n"


@pytest.mark.spice
def test_a_campaign_uses_a_foundrys_models_only_from_folders_of_the_command_line(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    models = tmp_path / "models"
    (models / "geometry").mkdir(parents=True)
    (models / "foundry.lib").write_text(FOUNDRY)
    (models / "geometry" / "resistor.spice").write_text(RESISTOR)
    (tmp_path / "include_bench.py").write_text(BENCH)
    (tmp_path / "divider.cir.j2").write_text(TEMPLATE)
    (tmp_path / "x.toml").write_text('[campaign]\nbench = "divider_with_included_models"\n')
    words = ["characterize", str(tmp_path / "x.toml"), "-o", str(tmp_path / "run"), "--jobs", "1", "--json"]
    words += ["--import", str(tmp_path / "include_bench.py")]

    assert command(words) == 1
    assert "--include-root" in (tmp_path / "run" / "run.json").read_text()
    capsys.readouterr()

    assert command([*words, "--include-root", str(models)]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 1
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["provenance"]["design"].keys() == {
        "divider",
        "models/foundry.lib",
        "models/geometry/resistor.spice",
    }
    assert pd_output(tmp_path) == pytest.approx(0.9, rel=1e-6)  # 9 squares of 10

    (models / "geometry" / "resistor.spice").write_text(RESISTOR.replace("pow(squares,2)", "squares"))
    assert command([*words, "--include-root", str(models)]) == 0
    assert json.loads(capsys.readouterr().out)["cached"] == 0  # other models, another point
    assert pd_output(tmp_path) == pytest.approx(0.75, rel=1e-6)

    assert command([*words, "--include-root", str(tmp_path / "absent")]) == 2


def pd_output(folder: Path) -> float:
    import cimspice

    return float(cimspice.load(folder / "run")["output"].iloc[0])
