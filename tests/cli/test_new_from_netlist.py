"""A bench made of a user's netlist computes what the netlist says, and lists what it left out."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.bench.schematic import read_schematic
from cimspice.cli.app import run
from cimspice.cli.new_from import bench_files
from cimspice.errors import ParameterError, TemplateError

XSCHEM = """\
** sch_path: /home/someone/inverter.sch
**.subckt inverter A Z VDD VSS
*.ipin A
*.opin Z
*.iopin VDD
*.iopin VSS
XM1 Z A VSS VSS sky130_fd_pr__nfet_01v8 L=0.15 W=1 nf=1 ad='int((nf+1)/2) * W/nf * 0.29'
+ as='int((nf+2)/2) * W/nf * 0.29' sa=0 sb=0 sd=0 mult=1 m=1
XM2 Z A VDD VDD sky130_fd_pr__pfet_01v8 L=0.15 W=2 nf=1 mult=1 m=1
**** begin user architecture code
.lib /usr/local/share/pdk/sky130.lib.spice tt
.control
tran 1n 100n
.endc
**** end user architecture code
**.ends
.GLOBAL GND
.end
"""

DIVIDER = """\
* extracted
.param r_low=1k
.option savecurrents
.subckt half in out
R0 in out {r_low} $ **FLOATING
C0 out 0 0.05f
.ends
.subckt divider in out vss r_top=3k
X0 in out half
R9 out vss {r_top} ; to ground
.ends
Vtest in 0 1.8
X1 in out 0 divider
.op
.end
"""


def made(tmp_path: Path, text: str, *words: str, name: str = "own_circuit") -> tuple[int, Path]:
    (tmp_path / "own.spice").write_text(text, encoding="utf-8")
    folder = tmp_path / "bench"
    code = run(
        [
            "new",
            "bench",
            name,
            "--from",
            str(tmp_path / "own.spice"),
            "--folder",
            str(folder),
            *words,
        ]
    )
    return code, folder


@pytest.mark.spice
def test_an_extracted_divider_divides_as_its_resistors_say(tmp_path, monkeypatch, capsys):
    code, folder = made(
        tmp_path, DIVIDER.replace(" vss ", " vss vdd ", 1).replace("R9", "Rsup vdd vss 1k\nR9"), "--json"
    )
    assert code == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ports"] == {"in": "output", "out": "output", "vss": "ground", "vdd": "supply"}
    assert [one["line"].split()[0] for one in facts["left_out"]] == [".option", "Vtest", "X1", ".op", ".end"]
    bench = (folder / "own_circuit_bench.py").read_text()
    assert 'r_low: Annotated[float, quantity("1")] = 1000.0' in bench
    assert 'r_top: Annotated[float, quantity("1")] = 3000.0' in bench
    campaign = folder / "own_circuit.toml"
    campaign.write_text(
        campaign.read_text().replace("0.05}", "0.9}").replace("[sweep]", "[parameters]\nr_top = 2e3\n[sweep]")
    )
    monkeypatch.chdir(tmp_path)
    assert run(["characterize", str(campaign), "--import", str(folder / "own_circuit_bench.py")]) == 0
    table = pd.read_parquet(next((tmp_path / "runs").glob("*/table.parquet")))
    assert table["vdd_current"].tolist() == pytest.approx([0.0, 0.9e-3, 1.8e-3], rel=1e-6, abs=1e-12)


@pytest.mark.spice
def test_an_inverter_of_a_schematic_editor_inverts_and_what_is_no_circuit_is_listed(
    tmp_path, monkeypatch, capsys
):
    code, folder = made(tmp_path, XSCHEM, name="own_inverter")
    assert code == 0
    shown = capsys.readouterr().out
    assert "A (input), Z (output), VDD (supply), VSS (ground)" in shown
    for word in ("line 11: .lib", "line 12: .control", "line 13: tran", "line 18: .end"):
        assert word in shown
    monkeypatch.chdir(tmp_path)
    campaign, module = folder / "own_inverter.toml", folder / "own_inverter_bench.py"
    assert run(["characterize", str(campaign), "--import", str(module), "--set", "a_voltage=[0.0, 1.8]"]) == 0
    table = pd.read_parquet(next((tmp_path / "runs").glob("*/table.parquet")))
    assert table["z_voltage"].tolist() == pytest.approx([1.8, 0.0], abs=1e-3)
    assert table["vdd_current"].abs().max() < 1e-8


def test_without_pin_comments_a_port_of_gates_alone_is_an_input(tmp_path):
    path = tmp_path / "own.spice"
    path.write_text(re.sub(r"\*\.i?o?pin.*\n", "", XSCHEM))
    assert read_schematic(path).top.directions == {
        "A": "input",
        "Z": "output",
        "VDD": "supply",
        "VSS": "ground",
    }


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("* a test bench\nR1 a 0 1k\n.op\n.end\n", ParameterError, "no subcircuit"),
        (
            DIVIDER.replace("X0 in out half", "R8 in out 1k"),
            ParameterError,
            "which subcircuit? half, divider",
        ),
        (DIVIDER.replace(".option savecurrents", ".option scale=10n"), TemplateError, "line 3"),
        (DIVIDER.replace("C0 out 0 0.05f", "A0 [out] [0] reader"), TemplateError, "rendered line 6"),
        (DIVIDER.replace(" vss r_top", " IN r_top"), ParameterError, "name of two things"),
    ],
)
def test_what_would_be_another_circuit_is_refused_by_its_line(tmp_path, text, error, words):
    path = tmp_path / "own.spice"
    path.write_text(text)
    with pytest.raises(error, match=re.escape(words)):
        bench_files("own", read_schematic(path), path)


def test_a_subcircuit_is_named_only_with_a_netlist_and_only_one_that_is_there(tmp_path, capsys):
    assert made(tmp_path, DIVIDER, "--subcircuit", "third")[0] == 2
    assert "there are half, divider" in capsys.readouterr().err
    assert run(["new", "bench", "own", "--subcircuit", "half", "--folder", str(tmp_path / "b")]) == 2


NAMES = st.text(string.ascii_letters + string.digits + "_#.+-[]<>", min_size=1, max_size=8)


@settings(max_examples=60)
@given(ports=st.lists(NAMES, min_size=1, max_size=5), parameter=NAMES, value=st.floats(1e-12, 1e12))
def test_any_names_of_ports_and_parameters_give_python_that_compiles_or_a_refusal(
    tmp_path_factory, ports, parameter, value
):
    path = tmp_path_factory.mktemp("names") / "own.spice"
    path.write_text(
        f"* t\n.param {parameter}={value!r}\n.subckt top {' '.join(ports)} vdd\nR1 vdd {ports[0]} 1k\n.ends\n"
    )
    try:
        schematic = read_schematic(path)
        _, bench, campaign, test = bench_files("own", schematic, path)
    except (ParameterError, TemplateError):
        return
    compile(bench, "bench", "exec")
    compile(test, "test", "exec")
    assert list(schematic.parameters.values()) in ([], [pytest.approx(value)])
    assert campaign
