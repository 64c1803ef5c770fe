"""Files from strangers, as users meet them: each attack of the list in docs/safety.md is tried here."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cimspice
from cimspice.campaign import Store, read_specification
from cimspice.campaign.waveform_folder import WaveformFolder
from cimspice.cli.app import run as command
from cimspice.documents import parse_json, parse_toml
from cimspice.errors import BadParameter, CimspiceError, ParameterError, StoreError, TableError
from cimspice.files import open_plain, write_atomically
from cimspice.fit import ModelCard
from cimspice.fit.family_card import Card
from cimspice.fit.measured import read_measured
from cimspice.fit.table import SYNAPSE
from cimspice.netlist import Netlist, Template
from cimspice.neuron.training import TrainedNetwork
from cimspice.report.page import write_page
from cimspice.spice import Op, simulate

CAMPAIGN = '[campaign]\nbench = "transistor"\n[sweep]\ngate_voltage = [0.9]\n'
BOMBS = {
    "nested lists": "x = " + "[" * 100_000,
    "nested tables": "x = " + "{a = " * 30_000 + "1" + "}" * 30_000,
    "dotted key": CAMPAIGN + "a." * 400_000 + "a = 1",
    "quoted dotted key": "'a'.\"b\" . " * 40_000 + "a = 1",
    "table of a long name": "[" + "a." * 300_000 + "a]",
    "long decimal": CAMPAIGN + "[parameters]\nwidth = " + "9" * 500_000,
    "long hexadecimal": CAMPAIGN + "[parameters]\nwidth = 0x" + "f" * 500_000,
    "long axis of wrong values": CAMPAIGN.replace("[0.9]", "{start = 2, stop = 200000, step = 0.25}"),
    "endless axis": CAMPAIGN.replace("[0.9]", "{start = 0, stop = 1, num = 1000000000000}"),
    "fine axis": CAMPAIGN.replace("[0.9]", "{start = 0, stop = 1e300, step = 1e-300}"),
    "nan": CAMPAIGN.replace("0.9", "nan"),
    "inf": CAMPAIGN.replace("0.9", "inf"),
    "1e400": CAMPAIGN.replace("0.9", "1e400"),
    "figure elsewhere": CAMPAIGN
    + '[[figure]]\nname = "../../figure"\nx = "drain_voltage"\ny = "drain_current"',
    "figure at a path": CAMPAIGN
    + '[[figure]]\nname = "/tmp/figure"\nx = "drain_voltage"\ny = "drain_current"',
    "code": CAMPAIGN.replace("transistor", "os.system"),
    "import": CAMPAIGN + 'import = "evil.py"',
    "include root": CAMPAIGN + 'include_roots = ["/"]',
    "not text": "\udcff\udcfe",
    "huge": CAMPAIGN + "#" * (1 << 20),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_campaign_file_is_refused_at_once_and_nothing_is_written(tmp_path, monkeypatch, capsys, content):
    monkeypatch.chdir(tmp_path)
    Path("x.toml").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert command(["characterize", "x.toml", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "ParameterError"
    assert os.listdir() == ["x.toml"]


def test_an_override_of_the_command_line_may_be_anything_and_is_reported(tmp_path):
    (tmp_path / "x.toml").write_text(CAMPAIGN)
    for value in ("[" * 50_000, "0x" + "f" * 9999, "a." * 50_000 + "a", "{a = 1}"):
        with pytest.raises(ParameterError):
            read_specification(tmp_path / "x.toml", [f"width={value}"])


READERS = {
    "campaign": read_specification,
    "model card": ModelCard.load,
    "card of a family": Card.load,
    "trained network": TrainedNetwork.load,
    "measured table": lambda path: read_measured(path, SYNAPSE),
    "template": lambda path: Template.from_file(path).source(),
}


@pytest.fixture(params=READERS)
def reader(request):
    return READERS[request.param]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "pickle", "huge", "nested"])
def test_no_reader_hangs_on_or_unpickles_what_is_not_its_file(reader, tmp_path, kind):
    path = tmp_path / "given.cir.j2"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(_Bomb(tmp_path / "pwned")))
    elif kind == "nested":
        path.write_text("[" * 200_000)
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    if kind == "nested" and reader is READERS["template"]:
        return  # text like any other
    with pytest.raises(CimspiceError):
        reader(path)
    assert not (tmp_path / "pwned").exists()


class _Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"a":' * 200_000, "9" * 10_000, str(2**70), '{"a": [1,' * 60]
)
def test_json_bombs_are_value_errors(content):
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


def test_documents_of_usual_depth_and_long_strings_are_read():
    text = "a.b.c.d = 1\nlong = '" + "a." * 200_000 + "'"
    with pytest.raises(ValueError, match="nests"):
        parse_toml(text)  # what looks like a long key inside a string is refused too
    assert parse_toml("a.b.c.d = 1\nt = '" + "one two. " * 20_000 + "'")["a"]["b"]["c"]["d"] == 1
    assert parse_json(json.dumps([[[[2**62]]]])) == [[[[2**62]]]]


def test_links_are_replaced_and_never_written_through(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_text("gold")
    for name in ("report.html", "output.html"):
        (tmp_path / name).symlink_to(treasure)
        write_atomically(tmp_path / name, lambda path: path.write_text("page"))
        assert not (tmp_path / name).is_symlink()
    assert treasure.read_text() == "gold"
    (tmp_path / "link").symlink_to(treasure)
    with pytest.raises(OSError, match="a link"):
        open_plain(tmp_path / "link", 10, links=False)


@pytest.mark.spice
def test_a_link_in_the_run_folder_does_not_lead_figures_elsewhere(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "figures").symlink_to(tmp_path / "pictures")
    for name in ("table.parquet", "table.csv", "run.json"):
        (tmp_path / "run" / name).symlink_to(tmp_path / "treasure")
    (tmp_path / "treasure").write_text("gold")
    figure = '[[figure]]\nname = "curves"\nx = "drain_voltage"\ny = "drain_current"\n'
    (tmp_path / "x.toml").write_text(CAMPAIGN + "[parameters]\ndrain_step = 0.9\n" + figure)
    words = ["characterize", str(tmp_path / "x.toml"), "-o", str(tmp_path / "run"), "--jobs", "1"]
    assert command(words) == 1
    assert "a link instead of a folder" in capsys.readouterr().err
    assert os.listdir(tmp_path / "pictures") == []
    assert (tmp_path / "treasure").read_text() == "gold"


def write_run(folder: Path, table: pd.DataFrame, **record) -> Path:
    folder.mkdir()
    table.to_parquet(folder / "table.parquet")
    (folder / "run.json").write_text(json.dumps(record))
    return folder


ESCAPE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202edrow\r"


def test_words_of_a_run_folder_do_not_steer_the_terminal(tmp_path, capsys):
    table = pd.DataFrame({"corner": [ESCAPE, "tt"], "width" + ESCAPE: [1.0, 2.0], "current": [1.0, 2.0]})
    failures = [{"corner": ESCAPE, "error": ESCAPE, "message": ESCAPE}]
    one = write_run(tmp_path / "a", table, provenance={ESCAPE: ESCAPE}, failures=[])
    more = {"failures": failures, "limits": [{ESCAPE: 1}]}
    two = write_run(tmp_path / "b", table, provenance={ESCAPE: "x"}, **more)
    for words in (["compare", one, two], ["report", two], ["compare", one, ESCAPE]):
        for more_words in ([], ["--json"]):
            command([*map(str, words), *more_words])
    reported = "".join(capsys.readouterr())
    assert "drow" in reported
    assert not set(reported) & set("\x1b\x07\x9b\u202e\r")


@pytest.mark.parametrize("corner", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\ttt", "t\x1b[2Jt", ""])
def test_a_users_table_brings_no_formulas_into_ours(tmp_path, corner):
    (tmp_path / "x.csv").write_text(
        f'polarity,gate_bias,membrane_voltage,current,corner\nn,0.5,1,1e-7,"{corner}"\n'
    )
    if corner.strip() != corner:
        return  # blanks around a cell are taken off
    with pytest.raises(TableError, match="name of letters"):
        read_measured(tmp_path / "x.csv", SYNAPSE)


@pytest.mark.parametrize("values", [[_Bomb(Path("pwned"))], [np.array([1])], [b"bytes"], [{"a": 1}]])
def test_a_table_of_objects_is_data_or_refused(tmp_path, monkeypatch, values):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run" / "table.parquet"
    content = [pickle.dumps(value) if isinstance(value, _Bomb) else value for value in values]
    write_run(tmp_path / "run", pd.DataFrame({"corner": ["tt"], "x": content}))
    assert path.is_file()
    cimspice.load(tmp_path / "run")
    write_page(tmp_path / "run")
    assert not Path("pwned").exists()


STRANGE_STORES = {
    "view": "CREATE VIEW points AS SELECT 1 AS digest",
    "trigger": "CREATE TABLE points (x); CREATE TRIGGER t AFTER INSERT ON points BEGIN SELECT 1; END",
    "virtual table": "CREATE VIRTUAL TABLE points USING fts5(digest)",
    "other tables": "CREATE TABLE other (x)",
    "other columns": "CREATE TABLE schema (version); INSERT INTO schema VALUES (2); CREATE TABLE points (x)",
    "version of words": "CREATE TABLE schema (version); INSERT INTO schema VALUES ('x')",
    "newer": "CREATE TABLE schema (version); INSERT INTO schema VALUES (99)",
}


@pytest.mark.parametrize("statements", STRANGE_STORES.values(), ids=STRANGE_STORES)
def test_a_store_that_is_none_is_refused(tmp_path, statements):
    path = tmp_path / "points.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(statements)
    with pytest.raises(StoreError), Store(path) as store:
        store.read(["a"])


@pytest.mark.parametrize("rows", ["not JSON", "[" * 100_000, "9" * 9999, b"\xff"])
def test_a_damaged_point_is_a_store_error(tmp_path, rows):
    path = tmp_path / "points.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        values = ("d", "b", "{}", "tt", 27.0, "done", None, None, rows, 1.0, "now", 2)
        connection.execute(f"INSERT INTO points VALUES ({','.join('?' * 12)})", values)
    with pytest.raises(StoreError), Store(path) as store:
        store.read(["d"])


def test_names_in_a_store_do_not_lead_out_of_its_waveform_folder(tmp_path):
    (tmp_path / "treasure.parquet").write_text("gold")
    folder = WaveformFolder(tmp_path / "points.sqlite")
    folder.path.mkdir()
    folder.remove(["../treasure.parquet", str(tmp_path / "treasure.parquet")])
    assert (tmp_path / "treasure.parquet").read_text() == "gold"
    with pytest.raises(StoreError):
        list(folder.read("../treasure.parquet", ["a"]))


@pytest.mark.parametrize(
    "models",
    [
        ".control\nshell touch pwned\n.endc", ".include /etc/passwd", ".lib /etc/passwd tt", "A1 [a] [b] m",
        ".model m d_source (input_file='x')", ".subckt r a b\n.control\nshell touch pwned\n.endc\n.ends",
        ".exec ls", "R1 a 0 `touch pwned`", ".csparam x=1", "R1 a 0 µ",
    ],
)  # fmt: skip
def test_device_models_of_a_strange_pdk_command_nothing(tmp_path, monkeypatch, models):
    monkeypatch.chdir(tmp_path)
    netlist = Netlist("* t\nV1 a 0 1\nRl a 0 1\n", "test")
    with pytest.raises(BadParameter, match="device models"):
        simulate(netlist, Op(save=("a",)), models=models)
    assert os.listdir() == []
