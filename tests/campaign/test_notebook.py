"""A bench typed into a notebook, or of the script that is run, is simulated by the workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.spice

IMPORTS = """
from typing import Annotated, ClassVar
import pandas as pd
from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Op
SCALE = 2.0
"""
PARAMETERS = """
class Parameters(NetlistParameters):
    r: Annotated[float, quantity("ohm", gt=0)] = 1e3
"""
HELPER = """
def scaled(voltage):
    return SCALE * voltage
"""
BENCH = """
@register
class Mine(Bench):
    name: ClassVar[str] = "test_typed"
    title: ClassVar[str] = "a divider"
    Parameters: ClassVar[type[NetlistParameters]] = Parameters
    columns: ClassVar[dict[str, str]] = {"v": "V"}

    def netlist(self, parameters):
        text = f"* mine\\nV1 a 0 1\\nR1 a b 1000\\nR2 b 0 {parameters.r!r}\\n"
        return Netlist(text, "mine")

    def analysis(self, parameters):
        return Op(save=("b",))

    def measure(self, parameters, waveforms):
        table = pd.DataFrame({"v": scaled(waveforms["b"])})
        return table
"""
RUN = """
from cimspice.campaign import characterise
table = characterise("test_typed", sweep={"r": [1000.0, 3000.0]}, workers=1)
print(table.v.tolist())
"""
NOTEBOOK = """
import linecache, sys
# as IPython runs cells: in a module __main__ without a file, their lines where tracebacks look for them
for place, cell in enumerate(sys.argv[1:]):
    name = f"<ipython-input-{place}>"
    linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
    exec(compile(cell, name, "exec"), globals())
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CIMSPICE_CACHE": str(folder / "cache"), "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_bench_of_a_notebook_runs_and_follows_the_cells_it_uses(tmp_path):
    done = run(tmp_path, "-c", NOTEBOOK, IMPORTS, PARAMETERS, HELPER, BENCH, RUN, "SCALE = 4.0", RUN)
    assert done.stdout == "[1.0, 1.5]\n[2.0, 3.0]\n", done.stderr


def test_a_value_that_the_cells_do_not_give_again_is_refused(tmp_path):
    changed = "for SCALE in (1, 2, 3): pass"
    done = run(tmp_path, "-c", NOTEBOOK, IMPORTS, PARAMETERS, HELPER, BENCH, changed, RUN)
    assert "SCALE of class Mine was changed after the statement that set it" in done.stderr
    assert "write the bench into a file" in done.stderr


def test_a_bench_at_a_prompt_that_keeps_no_text_is_refused_with_the_remedy(tmp_path):
    done = run(tmp_path, "-c", IMPORTS + PARAMETERS + HELPER + BENCH + RUN)
    assert "is not to be had" in done.stderr
    assert "write the bench into a file" in done.stderr


def test_a_bench_of_the_script_that_is_run_needs_nothing_more(tmp_path):
    guarded = "if __name__ == '__main__':\n" + RUN.strip().replace("\n", "\n    ").join(["    ", "\n"])
    (tmp_path / "script.py").write_text(IMPORTS + PARAMETERS + HELPER + BENCH + guarded)
    done = run(tmp_path, str(tmp_path / "script.py"))
    assert done.stdout == "[1.0, 1.5]\n", done.stderr
