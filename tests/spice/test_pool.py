"""A pool gives every item its result or its typed error, in order, whatever happens to its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pool_jobs
import pytest
from processes import alive, within

from cimspice.errors import BadParameter, ParameterError, SimulationError, TimeLimit, WorkerLost
from cimspice.spice import Pool

pytestmark = pytest.mark.spice


@pytest.fixture(scope="module")
def pool():
    with Pool(2, time_limit=60) as one:
        yield one


def test_results_come_in_order(pool):
    voltages = [0.01 * k for k in range(101)]
    assert list(pool.map(pool_jobs.half, voltages)) == pytest.approx([v / 2 for v in voltages], rel=1e-6)


def test_items_are_taken_as_they_are_needed(pool):
    taken = []

    def endless():
        while True:
            taken.append(len(taken))
            yield 0.5

    results = pool.map(pool_jobs.half, endless())
    assert [next(results) for _ in range(50)] == pytest.approx([0.25] * 50)
    assert len(taken) < 50 + 10_000
    results.close()


def test_without_order_a_slow_item_holds_up_nothing(pool, tmp_path):
    mark = tmp_path / "mark"
    results = pool.map(pool_jobs.wait_for, [str(mark), *[None] * 20], chunk=1, ordered=False)
    early = [next(results) for _ in range(20)]
    assert sorted(result.index for result in early) == list(range(1, 21))
    mark.touch()
    assert list(results) == [(0, str(mark))]


def test_without_order_errors_name_their_item(pool):
    items = [1.0, "ask for exit", 2.0]
    results = dict(pool.map(pool_jobs.behave, items, on_error="return", ordered=False))
    assert isinstance(results.pop(1), BadParameter)
    assert results == pytest.approx({0: 0.5, 2: 1.0}, rel=1e-6)


def test_all_workers_take_part_and_stay_loaded(pool):
    pool.warm_up()
    loads = pool.statistics.sessions.loads
    results = list(pool.map(pool_jobs.half_and_process, [1.0] * 400, chunk=10))
    assert len({process for _, process in results}) == 2
    assert pool.statistics.sessions.loads <= loads + 2


def test_each_worker_has_its_own_folder_and_spiceinit(pool):
    folders = dict(pool.map(pool_jobs.working_directory, range(20), chunk=1))
    assert os.getcwd() not in folders
    assert all("num_threads=1" in text and "shell" not in text for text in folders.values())


def test_failed_items_do_not_harm_their_neighbours(pool):
    items = [1.0, "ask for exit", 2.0, "unpicklable", 3.0, "die", 4.0]
    results = list(pool.map(pool_jobs.behave, items, on_error="return", chunk=3))
    assert [results[k] for k in (0, 2, 4, 6)] == pytest.approx([0.5, 1.0, 1.5, 2.0], rel=1e-6)
    assert [type(results[k]) for k in (1, 3, 5)] == [BadParameter, SimulationError, WorkerLost]
    assert results[1].netlist_line == "r1 a 0 {nobody}"
    assert "SIGKILL" in str(results[5])


def test_an_impossible_operating_point_is_a_time_limit_and_is_not_tried_again():
    with Pool(1, time_limit=60.0) as pool:
        results = pool.map(pool_jobs.behave, [1.0, "hang", 2.0], on_error="return", chunk=1)
        assert next(results) == pytest.approx(0.5, rel=1e-6)
        pool.time_limit = 2.0  # of the one that hangs: its neighbours may be slow on a busy machine
        assert isinstance(next(results), TimeLimit)
        pool.time_limit = 60.0
        assert next(results) == pytest.approx(1.0, rel=1e-6)
        assert pool.statistics.workers_killed == 1


@pytest.mark.skipif(sys.platform != "linux", reason="CPU times of other processes are read from /proc")
def test_the_time_limit_counts_what_an_item_computes_and_ends_one_that_only_waits(tmp_path):
    with Pool(1, time_limit=60.0) as pool:
        results = pool.map(pool_jobs.pause, [0.0, 1.0, 1e3], on_error="return", chunk=1)
        assert next(results) == 0.0
        pool.time_limit = 0.3  # by the clock the next one takes three times as much
        assert next(results) == 1.0
        assert isinstance(next(results), TimeLimit)


def test_a_killed_worker_is_replaced_and_its_item_tried_again(pool, tmp_path):
    items = [(str(tmp_path / "mark"), float(k)) for k in range(6)]
    assert list(pool.map(pool_jobs.die_once, items)) == pytest.approx([k / 2 for k in range(6)], rel=1e-6)
    assert (tmp_path / "mark").exists()


def test_errors_are_raised_when_their_turn_comes_and_the_pool_goes_on(pool):
    results = pool.map(pool_jobs.behave, [1.0, "program error", 2.0])
    assert next(results) == pytest.approx(0.5)
    with pytest.raises(KeyError) as caught:
        next(results)
    assert "pool_jobs.py" in "".join(caught.value.__notes__)
    assert list(pool.map(pool_jobs.half, [1.0])) == pytest.approx([0.5])


def test_an_abandoned_map_leaves_nothing_behind(pool):
    results = pool.map(pool_jobs.half, [float(k) for k in range(1000)])
    assert next(results) == pytest.approx(0.0)
    results.close()
    assert list(pool.map(pool_jobs.half, [5.0, 6.0])) == pytest.approx([2.5, 3.0], rel=1e-6)


def test_workers_are_recycled():
    with Pool(1, recycle_after=5) as pool:
        results = list(pool.map(pool_jobs.half_and_process, [1.0] * 12))
        processes = [process for _, process in results]
        assert [processes.count(p) for p in dict.fromkeys(processes)] == [5, 5, 2]
        assert pool.statistics.workers_started == 3


def test_closing_leaves_no_process():
    with Pool(2) as pool:
        pool.warm_up()
        processes = {process for _, process in pool.map(pool_jobs.half_and_process, [1.0] * 40, chunk=1)}
        folder = Path(next(pool.map(pool_jobs.working_directory, [0]))[0])
    assert not any(alive(process) for process in processes)
    assert not folder.exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_or_killed_program_leaves_no_orphans(how, tmp_path):
    program = subprocess.Popen(
        [sys.executable, pool_jobs.__file__, str(tmp_path)], stderr=subprocess.PIPE, start_new_session=True
    )
    assert within(60, lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(entry.name) for entry in tmp_path.iterdir()]
    os.kill(program.pid, how)
    _, said = program.communicate(timeout=60)
    assert within(60, lambda: not any(map(alive, workers)))
    if how == signal.SIGINT:
        assert said.count(b"KeyboardInterrupt") == 1


def test_ctrl_c_while_a_worker_starts_is_heard_once_it_has_and_ends_all(monkeypatch):
    start, started = subprocess.Popen, []

    def interrupted(*words, **options):
        signal.raise_signal(signal.SIGINT)
        started.append(start(*words, **options))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught, Pool(2):
        pass
    assert len(started) == 1, "no further worker is started"
    assert all(process.wait(timeout=30) is not None for process in started), "while somebody holds the error"
    assert caught.tb is not None


def test_ctrl_c_is_nothing_to_a_worker():
    with Pool(1) as pool:
        pool._workers[0]._process.send_signal(
            signal.SIGINT
        )  # while it starts: a terminal signals the whole group
        (_, process), *_ = pool.map(pool_jobs.half_and_process, [1.0])
        os.kill(process, signal.SIGINT)
        assert next(pool.map(pool_jobs.half_and_process, [1.0])) == (0.5, process)


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"time_limit": 0.0}, {"recycle_after": -1}])
def test_impossible_pools_are_refused(arguments):
    with pytest.raises(ParameterError):
        Pool(**arguments)


def test_a_closed_pool_says_so():
    with pytest.raises(ParameterError, match="not open"):
        Pool(1).map(pool_jobs.half, [1.0])


def test_a_script_without_a_main_guard_is_warned(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from cimspice.spice import Pool\nwith Pool(1) as pool:\n    list(pool.map(print, [1]))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "WorkerLost" in done.stderr
    assert "__main__" in done.stderr


@pytest.mark.parametrize("limit", [float("inf"), float("nan"), 0.0, -1.0])
def test_a_time_limit_that_is_no_time_is_refused_by_name(limit):
    with pytest.raises(ParameterError, match="time_limit"):
        Pool(time_limit=limit)
