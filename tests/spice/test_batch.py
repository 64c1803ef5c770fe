"""The batch path reads whole raw files only, and survives time limits and dying processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import alive, children, within
from spice_circuits import DIVIDER, IMPOSSIBLE, circuit

from cimspice.errors import SimulationError, TimeLimit
from cimspice.spice import Dc, Op, simulate_batch
from cimspice.spice.batch import read_raw

HEADER = (
    "Title: t\nDate: d\nPlotname: DC transfer characteristic\nFlags: real\nNo. Variables: 2\n"
    "No. Points: 3       \nVariables:\n\t0\tv(v-sweep)\tvoltage\n\t1\ti(vin)\tcurrent\nBinary:\n"
)
DATA = np.arange(6.0).tobytes()


def test_every_plot_of_a_raw_file_is_read(tmp_path):
    path = tmp_path / "out.raw"
    path.write_bytes((HEADER.encode() + DATA) * 2)
    plots = read_raw(path)
    assert [plot.title for plot in plots] == ["DC transfer characteristic"] * 2
    np.testing.assert_array_equal(plots[1].vectors["v-sweep"], [0, 2, 4])
    np.testing.assert_array_equal(plots[1].vectors["vin#branch"], [1, 3, 5])


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode() + DATA[:-1],
        HEADER.encode()[:-20],
        HEADER.replace("No. Points: 3", "No. Points: many").encode() + DATA,
        HEADER.replace("No. Variables: 2", "No. Variables: 3").encode() + DATA,
        HEADER.replace("No. Points: 3", "No. Points: -1").encode() + DATA,  # would be read again and again
        HEADER.replace("No. Points: 3", "No. Points: -3").encode() + DATA,
    ],
)
def test_a_raw_file_that_does_not_fit_its_header_is_no_result(tmp_path, content):
    path = tmp_path / "out.raw"
    path.write_bytes(content)
    with pytest.raises(SimulationError, match="not complete"):
        read_raw(path)


def test_a_raw_file_that_is_not_there_is_no_result(tmp_path):
    with pytest.raises(SimulationError, match="no raw file"):
        read_raw(tmp_path / "out.raw")


@pytest.mark.spice
def test_an_impossible_operating_point_is_killed_at_the_time_limit():
    with pytest.raises(TimeLimit):
        simulate_batch(IMPOSSIBLE, Op(), time_limit=1.0)


@pytest.mark.spice
def test_saved_vectors_have_a_sessions_names():
    waves = simulate_batch(DIVIDER, Dc("vin", 0, 1, 0.5, save=("out", "vin#branch")))
    assert set(waves.names) == {"out", "vin#branch"}
    device = circuit("v1 a 0 1\nm1 a a 0 0 n w=1u l=1u\n.model n nmos level=1")
    assert set(simulate_batch(device, Op(save=("@m1[id]", "a"))).names) == {"@m1[id]", "a"}


@pytest.mark.spice
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_ngspice_ends_with_its_killed_parent():
    program = (
        "from cimspice.spice import Op, simulate_batch\n"
        "from spice_circuits import IMPOSSIBLE\n"
        "simulate_batch(IMPOSSIBLE, Op())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parent)
    try:
        assert within(60, lambda: children(parent.pid))
        (ngspice,) = children(parent.pid)
        assert within(60, lambda: Path(f"/proc/{ngspice}/comm").read_text() == "ngspice\n")
        assert alive(ngspice)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert within(10, lambda: not alive(ngspice))
