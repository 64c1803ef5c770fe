"""Threads, forks: each caller has its own results, and a child takes nothing from its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import pool_jobs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spice_circuits import circuit

from cimspice.errors import BadParameter, ParameterError, SimulationError, WorkerLost
from cimspice.spice import Op, Pool, Session
from cimspice.spice.work_folder import WorkFolder

pytestmark = pytest.mark.spice

VOLTAGES = [0.5 * k for k in range(40)]
HALVES = pytest.approx([v / 2 for v in VOLTAGES], rel=1e-6)


@pytest.fixture(scope="module")
def pool():
    with Pool(2, time_limit=60) as one:
        yield one


def divider(lower: float):
    return circuit(f"v1 a 0 1\nr1 a out 1k\nr2 out 0 {lower}")


def own_program(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, which may die; ``folder`` holds its temporary files."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parent)},
    )


@settings(max_examples=10)
@given(order=st.lists(st.integers(0, 2), max_size=60), chunk=st.sampled_from([None, 1, 3]))
def test_maps_open_at_the_same_time_each_give_their_own_results(pool, order, chunk):
    maps = [pool.map(pool_jobs.half, [100.0 * k + v for v in range(12)], chunk=chunk) for k in range(3)]
    found: list[list[float]] = [[], [], []]
    for k in order:
        found[k] += [value for value in [next(maps[k], None)] if value is not None]
    for k, results in enumerate(maps):
        found[k] += results
        assert found[k] == pytest.approx([(100.0 * k + v) / 2 for v in range(12)], rel=1e-6)


def test_an_error_in_one_map_stays_in_that_map(pool):
    good = pool.map(pool_jobs.half, VOLTAGES, chunk=2)
    bad = pool.map(pool_jobs.behave, [1.0, "die", 2.0, "ask for exit"], chunk=1, on_error="return")
    pairs = list(zip_longest(good, bad))
    assert [value for value, _ in pairs] == HALVES
    kinds = [type(value) for _, value in pairs[:4]]
    assert kinds == [float, WorkerLost, float, BadParameter]


def test_a_map_may_feed_another_and_one_may_be_abandoned(pool):
    abandoned = pool.map(pool_jobs.half, VOLTAGES)
    assert next(abandoned) == pytest.approx(0.0)
    assert list(pool.map(pool_jobs.half, pool.map(pool_jobs.half, VOLTAGES))) == pytest.approx(
        [v / 4 for v in VOLTAGES], rel=1e-6
    )
    abandoned.close()
    assert list(pool.map(pool_jobs.half, VOLTAGES)) == HALVES


def test_threads_share_a_pool(pool):
    with ThreadPoolExecutor(4) as threads:
        maps = threads.map(lambda k: list(pool.map(pool_jobs.half, [k + v for v in VOLTAGES])), range(4))
        results = list(maps)
    assert results == [pytest.approx([(k + v) / 2 for v in VOLTAGES], rel=1e-6) for k in range(4)]


def test_a_pool_closed_while_a_map_is_open_says_so():
    with Pool(1) as pool:
        results = pool.map(pool_jobs.half, VOLTAGES)
        next(results)
    with pytest.raises(ParameterError, match="not open"):
        list(results)


def test_threads_that_call_simulate_get_their_own_results(tmp_path):
    done = own_program(
        """
        from concurrent.futures import ThreadPoolExecutor
        from spice_circuits import circuit
        from cimspice.spice import Op, Session, simulate

        def lower(k):
            text = f"v1 a 0 1\\nr1 a out 1k\\nr2 out 0 {k}k"
            if k % 2:
                return simulate(circuit(text), Op())["out"][0]
            with Session() as session:
                session.load(circuit(text))
                return session.run(Op())["out"][0]

        with ThreadPoolExecutor(8) as threads:
            for k, value in enumerate(threads.map(lower, range(1, 41)), 1):
                assert abs(value - k / (k + 1)) < 1e-9, (k, value)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_session_whose_circuit_another_thread_has_replaced_says_so():
    with Session() as session:
        session.load(divider(1e3))
        other = threading.Thread(target=lambda: session.load(divider(3e3)))
        other.start()
        other.join()
        with pytest.raises(SimulationError, match="another thread") as caught:
            session.run(Op())
        assert "Session of its own" in caught.value.remedy
        session.load(divider(1e3))
        assert session.run(Op())["out"][0] == pytest.approx(0.5)


def test_a_forked_child_that_ends_leaves_its_parents_folders_and_workers(tmp_path):
    done = own_program(
        """
        import os, sys
        import pool_jobs
        from spice_circuits import DIVIDER
        from cimspice.spice import Op, Pool, simulate
        from cimspice.spice.work_folder import WorkFolder

        folder = WorkFolder("test")
        assert simulate(DIVIDER, Op())["out"][0] == 0.5
        with Pool(1) as pool:
            results = pool.map(pool_jobs.half, [1.0, 2.0, 3.0], chunk=1)
            first = next(results)
            child = os.fork()
            if not child:
                assert simulate(DIVIDER, Op())["out"][0] == 0.5
                sys.exit(7)  # through the pool's end and the finalizers
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert [first, *results] == [0.5, 1.0, 1.5]
            assert pool.statistics.workers_killed == 0
        assert folder.path.is_dir()
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_work_folder_goes_when_it_is_collected():
    folder = WorkFolder("test")
    path = folder.path
    del folder
    assert not path.exists()


def test_simulate_after_a_fork_during_another_threads_run_does_not_wait_for_it(tmp_path):
    done = own_program(
        """
        import os, threading, time
        from spice_circuits import DIVIDER, IMPOSSIBLE
        from cimspice.spice import Op, simulate

        threading.Thread(target=lambda: simulate(IMPOSSIBLE, Op()), daemon=True).start()
        time.sleep(1.0)
        child = os.fork()
        if not child:
            os._exit(0 if simulate(DIVIDER, Op())["out"][0] == 0.5 else 1)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
