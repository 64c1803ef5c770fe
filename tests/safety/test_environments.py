"""The program runs in a notebook's shell, under a locale that lacks letters, and with a limit of time."""

import json
import os
import subprocess
import sys

import pytest

from cimspice.campaign import parse_specification
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.run import pool_for
from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.spice import Pool


def test_figures_are_drawn_whatever_backend_a_notebook_sets_for_its_shell_commands():
    environment = {**os.environ, "MPLBACKEND": "module://no_such_module.backend_inline"}
    script = "import cimspice.cli, matplotlib.pyplot as p; p.figure(); print(p.get_backend())"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip().lower() == "agg", done.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_lists_are_printed_where_the_encoding_lacks_letters(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = [sys.executable, "-m", "cimspice", "list", "models"]  # with λ, Σ and ² in their titles
    plain = subprocess.run(words, env=environment, capture_output=True)
    assert plain.returncode == 0, plain.stderr
    done = subprocess.run([*words, "--json"], env=environment, capture_output=True)
    assert "λ" in json.loads(done.stdout)["models"]["current_dependent_synapse"]


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "inf"])
def test_a_limit_of_time_that_is_none_is_refused(limit, capsys):
    assert run(["characterize", "transistor_iv", "--time-limit", limit, "--dry-run"]) == 2
    assert "time_limit" in capsys.readouterr().err


def test_the_pool_has_the_campaigns_limit_of_time_and_no_more_workers_than_points():
    raw = {"campaign": {"bench": "inverter"}, "failures": {"time_limit": 2.5}}
    pool = pool_for(Plan(parse_specification(raw), Environment("none"), "code"), 500)
    assert isinstance(pool, Pool)
    assert (pool.size, pool.time_limit) == (1, 2.5)
    with pytest.raises(ParameterError, match="time_limit"):
        parse_specification({**raw, "failures": {"time_limit": "long"}})
