"""Campaigns on the real simulator, with real worker processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from pathlib import Path

import campaign_fakes
import numpy as np
import pandas as pd
import pytest

from cimspice.bench import bench
from cimspice.campaign import Store, characterise, parse_specification, read_specification, run_campaign
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.campaign.work import Chunk, run_chunk
from cimspice.cli.app import run as command_line
from cimspice.errors import SimulationError
from cimspice.families import campaigns
from cimspice.pdk import cache_directory
from cimspice.spice import Pool, Session, simulate_batch

pytestmark = pytest.mark.spice

TRANSISTOR = {
    "campaign": {"bench": "transistor"},
    "parameters": {"drain_step": 0.3, "width": 1e-6},
    "sweep": {"gate_voltage": [0.4, 0.9, 1.8], "corners": ["tt", "ss"], "temperatures": [27, 85]},
}


@pytest.fixture(scope="module")
def pool():
    """Two workers that stay: starting them takes longer than most campaigns here."""
    with Pool(2) as running:
        yield nullcontext(running)


def test_a_point_gives_the_same_bits_whatever_was_run_before_it():
    points = list(Plan(parse_specification(TRANSISTOR), Environment.detect()))
    circuit = points[0].circuit
    assert circuit is not None
    shuffled = random.Random(0).sample(points, len(points))
    with Session() as session:
        together = run_chunk(session, Chunk(circuit, tuple(points)))
        mixed = dict(
            zip((p.index for p in shuffled), run_chunk(session, Chunk(circuit, tuple(shuffled))), strict=True)
        )
    for point, outcome in zip(points, together, strict=True):
        with Session() as session:
            (alone,) = run_chunk(session, Chunk(circuit, (point,)))
        assert outcome.rows is not None
        assert outcome.rows == alone.rows == mixed[point.index].rows


def test_a_measured_point_agrees_with_a_batch_run_of_its_own_netlist(tmp_path, pool):
    table = characterise(
        "transistor",
        sweep={"gate_voltage": [0.5, 1.8]},
        fixed={"drain_step": 0.3, "device": "pfet_01v8", "length": 0.15e-6},
        corner="ff",
        temperature=85.0,
        engine=pool,
        store=tmp_path / "points.sqlite",
    )
    asked = bench("transistor")
    for voltage, rows in table.groupby("gate_voltage"):
        parameters = asked.Parameters(
            gate_voltage=voltage, drain_step=0.3, device="pfet_01v8", length=0.15e-6
        )
        waveforms = simulate_batch(
            asked.netlist(parameters), asked.analysis(parameters), corner="ff", temperature=85.0
        )
        expected = asked.measure(parameters, waveforms)
        np.testing.assert_allclose(rows.drain_current, expected.drain_current, rtol=1e-9, atol=1e-18)
        assert rows.drain_current.iloc[-1] > 1e-8


def test_workers_give_the_divider_that_arithmetic_gives(tmp_path, pool):
    table = characterise(
        "test_divider",
        sweep={"supply": np.linspace(0.5, 1.5, 3), "lower_resistance": [500.0, 1000.0]},
        engine=pool,
        store=tmp_path / "points.sqlite",
    )
    expected = (
        table.supply * table.lower_resistance / (table.lower_resistance + campaign_fakes.UPPER_RESISTANCE)
    )
    np.testing.assert_allclose(table.output, expected, rtol=1e-9)


def test_points_outside_the_models_fail_by_name_and_a_call_says_so(tmp_path, pool):
    store = tmp_path / "points.sqlite"
    sweep = {"length": [0.25e-6, 0.01e-6]}
    specification = parse_specification(
        {"campaign": {"bench": "transistor"}, "parameters": {"drain_step": 0.6}, "sweep": sweep}
    )
    result = run_campaign(specification, engine=pool, store=store)
    assert (result.done, result.failed) == (1, 1)
    assert "no model of sky130_fd_pr__nfet_01v8 covers" in (result.failures[0][1].message or "")
    with pytest.raises(SimulationError, match="1 of 2 points of transistor failed"):
        characterise("transistor", sweep=sweep, fixed={"drain_step": 0.6}, engine=pool, store=store)


def test_killed_with_its_workers_running_it_resumes_to_the_same_table_and_leaves_no_process(tmp_path, pool):
    campaign = {**TRANSISTOR, "sweep": {**TRANSISTOR["sweep"], "width": [1e-6, 2e-6, 3e-6, 5e-6]}}
    del campaign["parameters"]
    store_path = str(tmp_path / "points.sqlite")
    script = f"""
        from cimspice.campaign import parse_specification, run_campaign
        if __name__ == "__main__":
            run_campaign(parse_specification({campaign!r}), workers=2, store={store_path!r})
    """
    file = tmp_path / "campaign_script.py"
    file.write_text(textwrap.dedent(script))
    specification = parse_specification(campaign)
    digests = [point.digest for point in Plan(specification, Environment.detect())]
    mark = f"cimspice-test-{os.getpid()}-{tmp_path.name}"
    process = subprocess.Popen([sys.executable, str(file)], env={**os.environ, "CIMSPICE_TEST_MARK": mark})
    with Store(tmp_path / "points.sqlite") as store:
        deadline = time.monotonic() + 120
        while process.poll() is None and not store.done(digests) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = store.done(digests)
        assert before
        resumed = run_campaign(specification, engine=pool, store=store)
        assert resumed.cached == len(before)
    with Store(tmp_path / "whole.sqlite") as store:
        whole = run_campaign(specification, engine=pool, store=store)
    pd.testing.assert_frame_equal(resumed.table, whole.table, check_exact=True)
    deadline = time.monotonic() + 30
    while (left := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def _marked(mark: str) -> list[str]:
    """Processes that inherited the mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, with the device models that are installed."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "pdk").symlink_to(cache_directory() / "pdk")
    monkeypatch.setenv("CIMSPICE_CACHE", str(folder))
    return folder


def test_ctrl_c_ends_the_command_with_130_and_keeps_what_is_finished(tmp_path, cache):
    overrides = ["--set", "gate_voltage={start=0.3, stop=1.8, num=4000}"]
    words = ["characterize", "transistor_iv", *overrides, "-o", str(tmp_path / "run"), "--jobs", "1"]
    path = campaigns()["transistor_iv"]
    plan = Plan(read_specification(path, overrides[1:]), Environment.detect())
    digests = [point.digest for point in plan]
    process = subprocess.Popen(
        [sys.executable, "-m", "cimspice", *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    with Store(cache / "points.sqlite") as store:
        deadline = time.monotonic() + 120
        while process.poll() is None and not store.done(digests) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        reported = process.communicate(timeout=60)[1]
        assert process.returncode == 130, reported
        assert "Traceback" not in reported
        assert 0 < len(store.done(digests)) < len(digests)
    assert not any((tmp_path / "run").glob("*")), "no table of half a campaign"


def test_the_command_runs_a_packaged_campaign_and_then_finds_everything_finished(tmp_path, cache, capsys):
    words = ["characterize", "transistor_iv", "--set", "gate_voltage=[0.6, 1.2]", "--corner", "tt"]
    words += ["-o", str(tmp_path / "run"), "--jobs", "1", "--json"]
    assert command_line([*words, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["to_run"] == 2
    assert command_line(words) == 0
    reported = json.loads(capsys.readouterr().out)
    assert {key: reported[key] for key in ("points", "done", "cached", "failed")} == {
        "points": 2,
        "done": 2,
        "cached": 0,
        "failed": 0,
    }
    assert len(reported["figures"]) == 4
    assert all(Path(path).is_file() for path in [reported["table"], *reported["figures"]])
    assert len(pd.read_parquet(reported["table"])) == 2 * 37
    assert command_line(words) == 0
    assert json.loads(capsys.readouterr().out)["cached"] == 2
    assert command_line([*words, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["cpu_seconds"] == 0


def test_the_command_ends_with_1_when_a_point_failed_and_says_which(tmp_path, cache, capsys):
    words = ["characterize", "transistor_iv", "--set", "gate_voltage=1.0", "--set", "length=1e-8"]
    words += ["--corner", "tt", "-o", str(tmp_path / "run"), "--jobs", "1", "--json"]
    assert command_line(words) == 1
    streams = capsys.readouterr()
    assert json.loads(streams.out)["failed"] == 1
    assert "length = 1e-08" in streams.err
    assert "covers" in streams.err
