"""A finished run with damage at any place: every reader gives the numbers that were measured, or says so."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import warnings

import fuzz_bench  # noqa: F401 (registers the bench)
import numpy as np
import pandas as pd
import pytest
from fuzz_documents import broken, changed, fuzz, seeds
from hypothesis import given

import cimspice
from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.export import export
from cimspice.cli.app import run as command
from cimspice.errors import CimspiceError, StoreError

pytestmark = pytest.mark.spice
FILES = ("run.json", "table.parquet", "table.csv", "waveforms.parquet")


SUPPLIES = [0.25, 0.5, 1.25, 3.0]


def campaign(store):
    asked = {
        "campaign": {"bench": "fuzz_halved"},
        "sweep": {"supply": SUPPLIES, "corners": ["tt", "ss"]},
        "keep": {"waveforms": True},
    }
    return run_campaign(parse_specification(asked), workers=1, store=store)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(place):
    export(campaign(place / "points.sqlite"), place / "whole")
    with sqlite3.connect(place / "points.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return place / "whole"


def damaged(content: bytes, random) -> bytes | None:
    """A byte changed, a piece put in, cut off or taken out; None: the file is not there."""
    match random.randrange(5):
        case 0:
            at = random.randrange(len(content))
            return content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]
        case 1:
            return content[: random.randrange(len(content))]
        case 2:
            return None
        case _:
            return broken(content, random)


def right(table: pd.DataFrame) -> bool:
    """Whether a table of the run holds what Ohm's law says, in volts."""
    table = table.sort_values(["corner", "supply"])
    wanted = {"supply": SUPPLIES * 2, "corner": ["ss"] * 4 + ["tt"] * 4}
    same = all(list(table[name]) == values for name, values in wanted.items())
    return same and np.allclose(table["middle"], np.array(SUPPLIES * 2) / 2, rtol=1e-9)


@fuzz(0.4)
@given(random=seeds)
def test_a_damaged_run_folder_gives_its_numbers_or_an_error(whole, place, random):
    folder = place / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    name = random.choice(FILES)
    content = damaged((folder / name).read_bytes(), random)
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(CimspiceError):
            table = cimspice.load(folder)
            assert right(table)
            assert table.attrs["units"]["middle"] == "V"
        with contextlib.suppress(CimspiceError):
            point = random.randrange(8)
            kept = cimspice.waveforms(folder, point)
            row = cimspice.load(whole).iloc[point]
            assert np.allclose(kept["m"], row["supply"] / 2)


@fuzz(0.3)
@given(random=seeds)
def test_a_changed_record_never_makes_another_table(whole, place, random):
    folder = place / "record"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(changed(record, random)))
    with contextlib.suppress(CimspiceError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert right(cimspice.load(folder))


@fuzz(0.04)
@given(random=seeds)
def test_a_damaged_table_is_not_the_same_run_to_compare(whole, place, random, capsys):
    folder = place / "compared"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    table = pd.read_parquet(folder / "table.parquet")
    row, column = random.randrange(8), random.choice(list(table.columns))
    value = table[column].iloc[row]
    other = random.choice(("ff", "", "tt ") if column == "corner" else (np.nan, np.inf, -1.0, 0.0))
    if isinstance(value, float) and random.random() < 0.5:
        other = value * (1 + random.choice((1e-2, -1e-3, 1e3)))
    if other == value:
        return
    table[column] = [*table[column].iloc[:row], other, *table[column].iloc[row + 1 :]]
    table.to_parquet(folder / "table.parquet")
    with contextlib.suppress(CimspiceError):
        cimspice.load(folder)
        pytest.fail("the table is not the one that run.json names")
    capsys.readouterr()
    command(["compare", str(whole), str(folder), "--json"])
    assert json.loads(capsys.readouterr().out).get("same") is not True


@fuzz(0.05)
@given(random=seeds)
def test_a_damaged_store_gives_its_numbers_simulates_again_or_says_so(whole, place, random):
    path = place / "damaged.sqlite"
    for old in place.glob("damaged.sqlite*"):
        old.unlink()
    content = (place / "points.sqlite").read_bytes()
    at = random.choice((0, 4096, random.randrange(len(content))))
    length = random.choice((1, 16, 512, 4096))
    piece = random.choice((random.randbytes(length), b"\x00" * length, b"\xff" * length))
    cut = random.random() < 0.2
    path.write_bytes(content[:at] if cut else content[:at] + piece + content[at + length :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = campaign(path)
        except StoreError:
            return
    assert right(result.table)
