"""A circuit without device models is the same at every corner, through the command line, at the first try."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run as command_line

pytestmark = pytest.mark.spice

BENCH = """
from typing import Annotated
import numpy as np
import pandas as pd
from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, quantity
from cimspice.spice import Ac

class Parameters(NetlistParameters):
    lower: Annotated[float, quantity("ohm", gt=0)] = 1e3

@register
class Loaded(Bench):
    name = "loaded_low_pass_without_models"
    title = "gain of a loaded RC"
    Parameters = Parameters
    columns = {"gain": "1"}

    def netlist(self, parameters):
        lines = f"vin in 0 dc 0 ac 1\\nr1 in out 1000\\nr2 out 0 {parameters.lower!r}\\nc1 out 0 1e-9\\n"
        return Netlist("* loaded RC\\n" + lines, "own")

    def analysis(self, parameters):
        return Ac(1, 1.0, 10.0, save=("out",))

    def measure(self, parameters, waveforms):
        return pd.DataFrame({"gain": np.abs(waveforms["out"][:1])})
"""
CAMPAIGN = """
[campaign]
bench = "loaded_low_pass_without_models"
[sweep]
lower = [500.0, 2000.0]
corners = ["tt", "ss", "fs"]
temperatures = [-40, 27]
"""


def test_every_corner_runs_at_the_first_try(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "own.py").write_text(BENCH)
    (tmp_path / "rc.toml").write_text(CAMPAIGN)
    words = ["characterize", str(tmp_path / "rc.toml"), "--import", str(tmp_path / "own.py"), "--jobs", "1"]
    assert command_line([*words, "-o", str(tmp_path / "run"), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert (reported["points"], reported["done"], reported["failed"], reported["cached"]) == (12, 12, 0, 0)
    table = pd.read_parquet(reported["table"])
    expected = table["lower"] / (1e3 + table["lower"])
    assert np.allclose(table["gain"], expected, rtol=1e-6)
    assert sorted(set(table["corner"])) == ["fs", "ss", "tt"]
