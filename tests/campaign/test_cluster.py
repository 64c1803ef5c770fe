"""A campaign on a real Dask scheduler with real workers equals a local one, also when a worker is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, Timer, main_thread

import cluster_bench
import pytest
from processes import alive, children, within

from cimspice.campaign import Cluster, Store, parse_specification, run_campaign
from cimspice.campaign.cluster_worker import Facts, Shipment, check
from cimspice.errors import ClusterError, ParameterError, PdkError
from cimspice.pdk import locate
from cimspice.spice import Session

pytestmark = pytest.mark.spice
Client = pytest.importorskip("distributed").Client

POINTS = 160
CAMPAIGN = {
    "campaign": {"bench": "test_slow_divider"},
    "sweep": {
        "upper_resistance": [1000.0, 2000.0],
        "supply": {"start": 0.1, "stop": 8.0, "step": 0.1},
    },
}


class InThisProcess(nullcontext):
    """The plainest engine: one session, one chunk after another."""

    def __enter__(self):
        return self

    def map(self, function, items, **_):
        with Session() as session:
            for item in items:
                yield function(session, item)


class CountingStore(Store):
    """Counts how often each point is stored."""

    stored: Counter[str]

    def record(self, records, waveforms=None):
        records = list(records)
        self.stored.update(record.digest for record in records)
        super().record(records, waveforms)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler, its process and those of its workers, and the file of the points' lines."""
    folder = tmp_path_factory.mktemp("dask")
    log, file = folder / "log", folder / "scheduler.json"
    environment = {**os.environ, cluster_bench.LOG: str(log), "PYTHONPATH": ""}
    dask = str(Path(sys.executable).with_name("dask"))
    local = ["--scheduler-file", str(file), "--no-dashboard"]
    common = {"env": environment, "cwd": folder, "stderr": subprocess.DEVNULL}
    words = ["--host", "127.0.0.1", "--port", "0", *local]
    processes = [subprocess.Popen([dask, "scheduler", *words], **common)]
    workers = [dask, "worker", *local, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
    try:
        processes += [subprocess.Popen(workers, **common) for _ in range(2)]
        assert within(120, lambda: file.exists() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
        yield address, processes, log
    finally:
        for process in processes:
            process.kill()
            process.wait()


def lines(log: Path) -> list[tuple[int, str]]:
    """Process and parameters of every run."""
    text = log.read_text().splitlines() if log.exists() else []
    return [(int(line.partition(" ")[0]), line.partition(" ")[2]) for line in text]


@pytest.mark.parametrize("what", ["python", "cimspice", "ngspice"])
def test_a_machine_that_would_give_other_results_is_refused(what):
    check(Shipment(Facts.here(), {}, b""))
    with pytest.raises(ClusterError, match=r"the worker has .* results could not be compared") as caught:
        check(Shipment(replace(Facts.here(), **{what: "another"}), {}, b""))
    assert "another" in str(caught.value)
    assert "install the same" in str(caught.value)


def test_a_worker_that_does_not_fit_ends_the_campaign(cluster, tmp_path, monkeypatch):
    address, _, log = cluster
    monkeypatch.setattr(
        "cimspice.campaign.cluster_worker.code_digest", lambda _: "of a bench that measures otherwise"
    )
    with pytest.raises(ClusterError, match="the worker has bench test_slow_divider with other code"):
        run_campaign(parse_specification(CAMPAIGN), store=tmp_path / "points.sqlite", engine=Cluster(address))
    assert not lines(log)


def test_other_device_models_are_refused():
    check(Shipment(Facts.here(), {}, b"", models=locate().digest))
    with pytest.raises(PdkError, match="device models are others") as caught:
        check(Shipment(Facts.here(), {}, b"", models="f" * 64))
    assert "cimspice pdk install" in str(caught.value)


def test_a_killed_worker_costs_nothing_but_its_points_in_flight(cluster, tmp_path):
    address, (_, *workers), log = cluster
    specification = parse_specification(CAMPAIGN)
    local = run_campaign(specification, store=tmp_path / "local.sqlite", engine=InThisProcess())
    killed: list[int] = []

    def progress(reported):
        if not killed and reported.done >= POINTS // 5:
            # No more is handed out meanwhile, and what the slower one has begun stays its own.
            assert within(120, lambda: len({pid for pid, _ in lines(log)}) == 2)
            workers[0].send_signal(signal.SIGKILL)
            killed.extend({pid for pid, _ in lines(log)})

    with CountingStore(tmp_path / "points.sqlite") as store:
        store.stored = Counter()
        result = run_campaign(specification, store=store, engine=Cluster(address), progress=progress)
    assert killed, "no worker was killed in the middle"
    assert workers[0].wait(60) == -signal.SIGKILL
    assert (result.done, result.failed, result.cached) == (POINTS, 0, 0)
    assert result.table.equals(local.table), "bit for bit"
    assert set(store.stored.values()) == {1}, "stored once each"
    ran = Counter(line for _, line in lines(log))
    assert len(ran) == POINTS
    assert sum(ran.values()) - POINTS <= 2 * 40, "only what was on its way to the killed worker ran again"
    assert within(60, lambda: not any(alive(pid) for pid in killed)), (
        "no ngspice is left, the campaign is over"
    )


def test_the_command_runs_on_the_cluster_with_a_bench_that_only_it_has(cluster, tmp_path):
    address, *_ = cluster
    process = command(tmp_path, address)
    done, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    reported = json.loads(done)
    assert (reported["points"], reported["done"], reported["cached"], reported["failed"]) == (2, 2, 0, 0)


def test_a_scheduler_that_does_not_answer_is_reported_with_its_remedy(tmp_path):
    cluster = Cluster("tcp://127.0.0.1:9", connect_seconds=1.0)
    with pytest.raises(ClusterError, match="no Dask scheduler answers within 1 s") as caught:
        run_campaign(parse_specification(CAMPAIGN), store=tmp_path / "points.sqlite", engine=cluster)
    assert "dask scheduler" in str(caught.value)


@pytest.fixture
def stranger():
    """Starts a server that says these words: its address, and an event of somebody who connects."""
    with ExitStack() as kept:

        def start(reply: bytes):
            server = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
            seen = Event()

            def serve():
                with suppress(OSError):  # the test may be over
                    while True:
                        connection = kept.enter_context(server.accept()[0])
                        seen.set()
                        connection.sendall(reply)

            Thread(target=serve, daemon=True).start()
            return f"tcp://127.0.0.1:{server.getsockname()[1]}", seen

        yield start


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"", "says nothing"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "another program is there"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "another program is there"),
    ],
)
def test_a_server_of_another_kind_is_reported_as_no_scheduler(stranger, reply, said):
    address, _ = stranger(reply)
    with pytest.raises(ClusterError, match=f"no Dask scheduler answers within 1 s: .*{said}") as caught:
        Cluster(address, connect_seconds=1.0).__enter__()
    assert address in str(caught.value)
    assert "start one with `dask scheduler`" in str(caught.value)


def command(folder: Path, address: str) -> subprocess.Popen[str]:
    file = folder / "short.toml"
    file.write_text('[campaign]\nbench = "test_slow_divider"\n[sweep]\nsupply = [1.0, 2.0]\n')
    words = ["characterize", str(file), "--import", cluster_bench.__file__, "-o", str(folder / "run")]
    environment = {**os.environ, "CIMSPICE_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "cimspice", *words, "--dask", address, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_is_heard_while_a_port_says_nothing(stranger, tmp_path):
    address, seen = stranger(b"")
    process = command(tmp_path, address)
    assert seen.wait(120)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Ctrl-C" in said


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_frozen_scheduler_has_a_limit_hears_ctrl_c_and_costs_nothing_finished(
    cluster, tmp_path, interrupted
):
    address, (process, *_), _ = cluster
    specification = parse_specification(CAMPAIGN)
    expected, said = (KeyboardInterrupt, None) if interrupted else (ClusterError, "not answered for 3 s")
    finished = 0
    interrupt = Timer(4.0, signal.pthread_kill, (main_thread().ident, signal.SIGINT))

    def progress(reported):
        nonlocal finished
        finished = reported.done
        if reported.done and not frozen:
            frozen.append(True)
            process.send_signal(signal.SIGSTOP)
            if interrupted:
                interrupt.start()

    frozen: list[bool] = []
    seconds = 60.0 if interrupted else 3.0
    try:
        with pytest.raises(expected, match=said):
            run_campaign(
                specification,
                store=tmp_path / "points.sqlite",
                engine=Cluster(address, connect_seconds=seconds),
                progress=progress,
            )
    finally:
        process.send_signal(signal.SIGCONT)
    again = run_campaign(specification, store=tmp_path / "points.sqlite", engine=InThisProcess())
    assert again.cached == finished > 0


def test_ctrl_c_in_a_terminal_is_nothing_to_the_processes_of_a_local_cluster():
    before = set(children(os.getpid()))
    with Cluster("local", workers=2):
        started = set(children(os.getpid())) - before
        assert len(started) >= 2
        assert within(60, lambda: all(map(deaf_to_interrupts, started)))


def deaf_to_interrupts(process: int) -> bool:
    words = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return any(int(words[kind], 16) >> (signal.SIGINT - 1) & 1 for kind in ("SigBlk", "SigIgn"))


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "tcp://host:port", ""])
def test_what_is_no_address_of_a_scheduler_is_refused_at_once(address):
    with pytest.raises(ParameterError, match="is not the address of a Dask scheduler") as caught:
        Cluster(address).__enter__()
    assert "tcp://HOST:8786" in str(caught.value)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match="Dask is not installed") as caught, Cluster("local"):
        pass
    assert "cimspice[cluster]" in str(caught.value)


def test_jobs_of_another_machine_are_refused():
    from cimspice.cli.characterize import _cluster

    with pytest.raises(ParameterError, match="--jobs 3"):
        _cluster("tcp://host:8786", 3, 600.0)
