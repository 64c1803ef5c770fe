"""A campaign that keeps waveforms has them for every finished point, in Parquet that pandas alone reads."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from campaign_fakes import ENVIRONMENT, FakePool, FakeSession

import cimspice
from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.campaign.export import export
from cimspice.campaign.waveform_file import ROWS_TOGETHER, columns_of
from cimspice.errors import ParameterError, StoreError, TableError
from cimspice.spice import Waveforms

SWEEP = {"lower_resistance": [500.0, 1000.0], "supply": [0.5, 1.0, 2.0], "corners": ["tt", "ss"]}


def campaign(**keep):
    raw = {"campaign": {"bench": "test_divider"}, "sweep": SWEEP}
    return parse_specification({**raw, "keep": keep} if keep else raw)


def run(specification, store, **options):
    pool = FakePool(**options)
    return run_campaign(specification, workers=1, store=store, engine=pool, environment=ENVIRONMENT), pool


def test_every_point_has_its_waveforms_in_the_run_folder(tmp_path):
    result, _ = run(campaign(waveforms=True), tmp_path / "points.sqlite")
    files = export(result, tmp_path / "run")
    assert files["waveforms"] == tmp_path / "run" / "waveforms.parquet"
    table = cimspice.load(tmp_path / "run")
    assert table.point.tolist() == list(range(12))
    for row in table.itertuples():
        assert cimspice.waveforms(tmp_path / "run", row.point)["out"].tolist() == [row.output]
    plain = pd.read_parquet(files["waveforms"], filters=[("point", "==", 7)])
    assert plain["out"].tolist() == [table.output[7]]


def test_points_finished_without_waveforms_are_run_again_once(tmp_path):
    store = tmp_path / "points.sqlite"
    first, _ = run(campaign(), store)
    assert "point" not in first.table
    again, pool = run(campaign(waveforms=["v(out)"]), store)
    assert (again.cached, again.done, len(pool.ran)) == (0, 12, 12)
    assert again.table.drop(columns="point").equals(first.table)
    third, pool = run(campaign(waveforms=True), store)
    assert (third.cached, pool.ran) == (12, [])
    plain, pool = run(campaign(), store)
    assert (plain.cached, pool.ran) == (12, [])


def test_a_full_disk_leaves_no_finished_point_without_its_waveforms(tmp_path, monkeypatch):
    """The disk fills while the second file is written: its points are not finished either."""
    store, synced = tmp_path / "points.sqlite", []

    def fsync(descriptor):
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match="No space left"):
        run(campaign(waveforms=True), store)
    monkeypatch.undo()
    with Store(store) as opened:
        digests = [point.digest for point in run(campaign(), tmp_path / "other.sqlite")[0].plan]
        done = opened.done(digests)
        assert 0 < len(done) < 12
        assert opened.waveforms(list(done)).keys() == done
    resumed, pool = run(campaign(waveforms=True), store)
    assert (resumed.done, resumed.cached, set(pool.ran) & done) == (12, len(done), set())


def test_pruned_points_take_their_waveforms_along(tmp_path):
    path = tmp_path / "points.sqlite"
    run(campaign(waveforms=True), path)
    folder = tmp_path / "points.waveforms"
    assert list(folder.glob("*.parquet"))
    leftover = folder / "abandoned.parquet"  # as a kill between writing it and naming it leaves one
    leftover.write_bytes(b"part")
    os.utime(leftover, (0, 0))
    with Store(path) as store:
        assert store.size > path.stat().st_size
        assert store.prune() == 12
    assert list(folder.iterdir()) == []


def test_a_lost_file_is_reported_with_its_remedy(tmp_path):
    result, _ = run(campaign(waveforms=True), tmp_path / "points.sqlite")
    for file in (tmp_path / "points.waveforms").iterdir():
        file.write_bytes(b"PAR1 no more")
    with pytest.raises(StoreError, match="cache prune"):
        export(result, tmp_path / "run")


def test_relaxed_results_have_the_waveforms_that_gave_them(tmp_path):
    raw = {
        "campaign": {"bench": "test_divider"},
        "parameters": {"fault": "stiff"},
        "sweep": {"supply": [0.5, 1.0]},
        "failures": {"retry": "relaxed"},
        "keep": {"waveforms": True},
    }
    result, _ = run(parse_specification(raw), tmp_path / "points.sqlite")
    export(result, tmp_path / "run")
    assert result.table.relaxed.all()
    for row in result.table.itertuples():
        assert cimspice.waveforms(tmp_path / "run", row.point)["out"].tolist() == [row.output]


def test_a_vector_that_is_not_saved_is_refused_before_anything_runs():
    with pytest.raises(ParameterError, match=r"keep\.waveforms = 'left'.*saves out"):
        campaign(waveforms=["left"])
    with pytest.raises(ParameterError, match="unknown key, did you mean 'waveforms'"):
        campaign(waveform=True)


def test_complex_vectors_of_any_length_and_circuit_come_back_to_the_last_bit(tmp_path, monkeypatch):
    """Longer than a row group; the number of vectors differs from point to point."""
    draw = np.random.default_rng(3)
    made = {}

    def simulated(self, analysis):
        self._fresh = False
        length = int(draw.integers(1, ROWS_TOGETHER // 2))
        values = draw.normal(size=length) + 1j * draw.normal(size=length)
        vectors = {"frequency": np.geomspace(1, 1e9, length), "out": values}
        if len(made) % 3:
            vectors["inner"] = draw.normal(size=length)
        made[len(made)] = vectors
        return Waveforms("frequency", vectors)

    monkeypatch.setattr(FakeSession, "run", simulated)
    monkeypatch.setattr(
        "cimspice.campaign.work.measured_rows", lambda *_: {"output": [0.0], "above": [False]}
    )
    result, _ = run(campaign(waveforms=True), tmp_path / "points.sqlite")
    export(result, tmp_path / "run")
    for point, vectors in made.items():
        frame = cimspice.waveforms(tmp_path / "run", point)
        assert frame.index.name == "frequency"
        np.testing.assert_array_equal(frame.index, vectors["frequency"])
        assert set(frame) == vectors.keys() - {"frequency"}
        for name in frame:
            np.testing.assert_array_equal(frame[name], vectors[name])


def test_vectors_that_do_not_fit_one_table_are_the_points_error():
    with pytest.raises(Exception, match="different lengths"):
        columns_of(Waveforms(None, {"a": np.zeros(1), "b": np.zeros(2)}), ())
    with pytest.raises(Exception, match="rename the node"):
        columns_of(Waveforms(None, {"point": np.zeros(1)}), ())


def test_waveforms_of_a_stranger_are_read_with_care(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        cimspice.waveforms(tmp_path, 0)
    file = tmp_path / "waveforms.parquet"
    for frame, reported in [
        (pd.DataFrame({"point": ["a"], "out": [1.0]}), "no column of points"),
        (pd.DataFrame({"point": [0], "out": ["word"]}), "not of numbers"),
        (pd.DataFrame({"point": [0], "out": [1.0]}), "no waveforms of point 5"),
    ]:
        frame.to_parquet(file)
        with pytest.raises(TableError, match=reported):
            cimspice.waveforms(tmp_path, 5)
    file.write_bytes(b"PAR1" * 100)
    with pytest.raises(TableError, match="not a file of waveforms"):
        cimspice.waveforms(tmp_path, 0)
    file.unlink()
    file.symlink_to("/etc/passwd")
    with pytest.raises(TableError, match="link"):
        cimspice.waveforms(tmp_path, 0)


@pytest.mark.spice
def test_waveforms_of_ngspice_are_those_that_were_measured(tmp_path):
    raw = {
        "campaign": {"bench": "transistor"},
        "parameters": {"drain_step": 0.3},
        "sweep": {"gate_voltage": [0.9, 1.8], "corners": ["tt", "ss"]},
        "keep": {"waveforms": ["i(vdrain)"]},
    }
    result = run_campaign(parse_specification(raw), workers=1, store=tmp_path / "points.sqlite")
    export(result, tmp_path / "run")
    for point, rows in result.table.groupby("point"):
        frame = cimspice.waveforms(tmp_path / "run", int(str(point)))
        assert frame.index.name == "v-sweep"
        np.testing.assert_array_equal(frame.index, rows.drain_voltage)
        np.testing.assert_array_equal(-frame["vdrain#branch"], rows.drain_current)
