from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from campaign_fakes import ENVIRONMENT, FakePool
from hypothesis import given, settings
from hypothesis import strategies as st

import cimspice
from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.export import export
from cimspice.campaign.load import read_run
from cimspice.errors import TableError

CAMPAIGN = {
    "campaign": {"bench": "test_divider", "title": "Divider"},
    "parameters": {"threshold": 0.4},
    "sweep": {
        "lower_resistance": [500.0, 1000.0],
        "fault": ["none", "simulation"],
        "corners": ["tt", "ss"],
    },
    "figure": [{"x": "lower_resistance", "y": "output", "by": ["corner"]}],
}


@pytest.fixture
def made(tmp_path):
    result = run_campaign(
        parse_specification(CAMPAIGN), store=tmp_path / "store", engine=FakePool(), environment=ENVIRONMENT
    )
    export(result, tmp_path / "run")
    return tmp_path / "run", result.table


@pytest.fixture
def unlisted(made):
    """The run as one whose ``run.json`` names no files, so that another table may be put there."""
    record = json.loads((made[0] / "run.json").read_text())
    (made[0] / "run.json").write_text(json.dumps({**record, "files": {}}))
    return made


def test_load_gives_back_what_the_campaign_made_with_units_conditions_and_provenance(made):
    folder, table = made
    loaded = cimspice.load(folder)
    pd.testing.assert_frame_equal(loaded, table)
    assert loaded.attrs["units"]["output"] == "V"
    assert loaded.attrs["conditions"] == table.attrs["conditions"]
    assert loaded.attrs["provenance"] == table.attrs["provenance"]
    assert loaded.attrs["campaign"]["bench"] == "test_divider"


def test_read_run_has_counts_failures_and_figures(made):
    record = read_run(made[0]).record
    assert (record.points, record.done, record.failed) == (8, 4, 4)
    assert {(failure.error, failure.corner) for failure in record.failures} == {
        ("NonConvergence", "tt"),
        ("NonConvergence", "ss"),
    }
    assert [(figure.x, figure.y, figure.by) for figure in record.figures] == [
        ("lower_resistance", ("output",), ("corner",))
    ]


def test_importing_the_package_stays_light():
    absent, present = ("assert 'pandas' not in sys.modules", "assert 'pandas' in sys.modules")
    code = f"import cimspice, sys; {absent}; cimspice.load; {present}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_worker_starts_without_scipy():
    code = "import cimspice.spice.worker, cimspice.campaign.work, sys; assert 'scipy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_without_attributes_takes_them_from_the_record(unlisted):
    folder, table = unlisted
    bare = table.copy()
    bare.attrs = {}
    bare.to_parquet(folder / "table.parquet")
    assert cimspice.load(folder).attrs["units"]["output"] == "V"
    assert cimspice.load(folder).attrs["conditions"] == table.attrs["conditions"]


def test_what_is_not_there_is_named(tmp_path, made):
    with pytest.raises(TableError, match="no such run folder"):
        cimspice.load(tmp_path / "nowhere")
    (made[0] / "run.json").unlink()
    with pytest.raises(TableError, match="No such file") as raised:
        cimspice.load(made[0])
    assert raised.value.place.endswith("run.json")


@pytest.mark.parametrize("name", ["run.json", "table.parquet"])
def test_links_and_pipes_are_not_followed(made, tmp_path, name):
    path = made[0] / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(TableError, match="link instead of a file"):
        cimspice.load(made[0])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TableError, match="not a plain file"):
        cimspice.load(made[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "\xff",
        '{"units": {"a": {}}}',
        '{"points": -1}',
        '{"figures": [{"x": "a", "y": "b", "name": "../../etc"}]}',
        "[" * 200_000,
        '{"seconds": ' + "9" * 10_000 + "}",
    ],
    ids=lambda text: text[:20],
)
def test_a_malformed_record_is_refused_by_name(made, text):
    (made[0] / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(TableError) as raised:
        cimspice.load(made[0])
    assert raised.value.place.endswith("run.json")


def test_a_huge_record_is_not_read(made):
    with (made[0] / "run.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TableError, match="bytes"):
        cimspice.load(made[0])


def test_a_small_file_that_unpacks_to_a_huge_table_is_refused(unlisted):
    word = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"device": word}), unlisted[0] / "table.parquet", compression="zstd")
    assert (unlisted[0] / "table.parquet").stat().st_size < 2_000_000
    with pytest.raises(TableError, match="unpacks to more than"):
        cimspice.load(unlisted[0])


def test_types_named_in_a_file_are_not_followed(unlisted):
    pandas_says = {
        "index_columns": [],
        "columns": [
            {"name": "output", "field_name": "output", "pandas_type": "x", "numpy_type": "os.system"}
        ],
        "column_indexes": [],
    }
    table = pa.table({"output": [1.0]}).replace_schema_metadata(
        {
            b"pandas": json.dumps(pandas_says).encode(),
            b"PANDAS_ATTRS": b'{"units": [], "conditions": {"a": 1}}',
        }
    )
    pq.write_table(table, unlisted[0] / "table.parquet")
    loaded = cimspice.load(unlisted[0])
    assert loaded["output"].tolist() == [1.0]
    assert loaded.attrs["conditions"] == []


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=400), keep=st.integers(0, 3000), flip=st.integers(0, 3000))
def test_no_damage_to_the_table_gives_anything_but_a_clear_error(tmp_path_factory, content, keep, flip):
    folder = tmp_path_factory.mktemp("damaged")
    frame = pd.DataFrame({"corner": ["tt", "ss"] * 50, "output": [0.5] * 100, "list": [[1.0, 2.0]] * 100})
    frame.attrs = {"units": {"output": "V"}}
    frame.to_parquet(folder / "table.parquet")
    (folder / "run.json").write_text("{}")
    whole = (folder / "table.parquet").read_bytes()
    position = flip % len(whole)
    damaged = [
        content,
        whole[: keep % len(whole)] + content,
        whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :],
        b"PAR1" + content + b"PAR1",
    ]
    for version in damaged:
        (folder / "table.parquet").write_bytes(version)
        try:
            cimspice.load(folder)
        except TableError as error:
            assert error.place.endswith("table.parquet")  # noqa: PT017 (a flipped bit of a number may go unseen)
