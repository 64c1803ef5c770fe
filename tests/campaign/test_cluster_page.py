"""docs/cluster.md says what is true: its Python runs, its SLURM script asks for what it says."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cimspice.bench import bench
from cimspice.campaign import Cluster, read_specification
from cimspice.campaign import cluster as module
from cimspice.spice import simulate_batch

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class AtOnce:
    """Stands in for the cluster, which its own tests run: one session in this process."""

    def __init__(self, address, **options):
        assert isinstance(address, str)
        Cluster(address, **options)
        self.address = address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def map(self, function, items, **_):
        from cimspice.spice import Session

        with Session() as session:
            for item in items:
                yield function(session, item)


@pytest.fixture
def slurm_cluster():
    """Imported, it makes Ctrl-C an exit of the whole process: not beyond this test."""
    before = signal.getsignal(signal.SIGINT)
    from dask_jobqueue import SLURMCluster

    yield SLURMCluster
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def in_this_process(tmp_path, monkeypatch):
    from cimspice.pdk import cache_directory

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "pdk").symlink_to(cache_directory() / "pdk")
    monkeypatch.setenv("CIMSPICE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cimspice.campaign.Cluster", AtOnce)
    assert module.Cluster is Cluster


def in_batch(**values) -> np.ndarray:
    """Drain currents of the transistor with these parameters, by an ngspice process of its own."""
    transistor = bench("transistor")
    parameters = transistor.Parameters(**values)
    analysis = transistor.analysis(parameters)
    return -simulate_batch(transistor.netlist(parameters), analysis)["vdrain#branch"]


@pytest.mark.spice
def test_the_call_of_the_page_gives_the_currents_of_one_process_per_point(in_this_process):
    names = {"__name__": "__main__"}
    exec(compile(blocks()[0], str(PAGE), "exec"), names)
    found = {voltage: rows["drain_current"] for voltage, rows in names["table"].groupby("gate_voltage")}
    assert list(found) == [0.6, 1.2, 1.8]
    for voltage, current in found.items():
        np.testing.assert_allclose(
            current, in_batch(gate_voltage=voltage, drain_step=0.3), rtol=1e-9, atol=1e-15
        )


@pytest.mark.spice
def test_the_script_for_slurm_asks_for_its_jobs_and_runs_the_campaign(
    in_this_process, slurm_cluster, tmp_path, monkeypatch
):
    asked = {}
    (tmp_path / "campaign.toml").write_text(
        '[campaign]\nbench = "transistor"\n[parameters]\ndrain_step = 0.9\n'
    )
    assert read_specification(tmp_path / "campaign.toml").points == 1
    script = "".join(blocks()[1:]).replace("/local/", f"{tmp_path}/")
    names = {"__name__": "__main__"}
    with monkeypatch.context() as patch:
        patch.setattr(slurm_cluster, "scale", lambda self, **jobs: asked.update(jobs))
        exec(compile(script, str(PAGE), "exec"), names)
    job = names["cluster"].job_script()
    names["cluster"].close()
    assert asked == {"jobs": 64}
    for line in ("#SBATCH -p batch", "#SBATCH -A project", "#SBATCH --cpus-per-task=16", "--nworkers 16"):
        assert line in job
    assert "--nthreads 1 " in job
    assert "source /shared/cimspice/bin/activate" in job
    table = pd.read_parquet(tmp_path / "runs" / "campaign" / "table.parquet")
    np.testing.assert_allclose(table["drain_current"], in_batch(drain_step=0.9), rtol=1e-9, atol=1e-15)
