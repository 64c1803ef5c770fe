"""An edit of anything that decides a result is noticed; a file that moves keeps its points."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaign_fakes import ENVIRONMENT, FakePool

import cimspice
from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.cli.app import run
from cimspice.errors import CimspiceError

POINTS = 2
LAB = {
    "lab_entry.py": "import lab_bench_package.divider\n",
    "lab_bench_package/__init__.py": '"""Benches."""\nGAIN = 1.0\n',
    "lab_bench_package/divider.py": '''
"""A divider."""
import json
from pathlib import Path
from typing import ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.spice import Op
from lab_bench_package import GAIN
from lab_bench_package.parts import resistors

FOLDER = Path(__file__).parent


class Parameters(NetlistParameters):
    supply: float = 1.0


@register
class Divider(Bench):
    name: ClassVar[str] = "lab_divider"
    title: ClassVar[str] = "a divider"
    Parameters: ClassVar[type[NetlistParameters]] = Parameters
    columns: ClassVar[dict[str, str]] = {"output": "V"}
    files: ClassVar[tuple[str, ...]] = ("declared.dat",)

    def netlist(self, parameters):
        resistances = f"r1 in out 1k\\nr2 out 0 {resistors.LOWER}\\n"
        return Netlist(f"* d\\nv1 in 0 {parameters.supply}\\n" + resistances, "d")

    def analysis(self, parameters):
        return Op(save=("out",))

    def measure(self, parameters, waveforms):
        from lab_helper_elsewhere import offset

        target = json.loads((FOLDER / "data" / "target.json").read_text())
        table = float(Path(__file__).with_name(f"table_{'tt'}.csv").read_text())
        declared = float((FOLDER / ("declared" + ".dat")).read_text())
        return pd.DataFrame({"output": GAIN * waveforms["out"] + offset() + target + table + declared})
''',
    "lab_bench_package/parts/__init__.py": "",
    "lab_bench_package/parts/resistors.py": "LOWER = 1000.0\n",
    "lab_bench_package/data/target.json": "0.0",
    "lab_bench_package/table_tt.csv": "0.0",
    "lab_bench_package/declared.dat": "0.0",
    "elsewhere/lab_helper_elsewhere.py": "from lab_constants import VOLTS\n\ndef offset():\n  return VOLTS\n",
    "elsewhere/lab_constants.py": "VOLTS = 0.0\nOTHER = 1.0\n",
    "lab_bench_package/unrelated.py": "VALUE = 1.0\n",
    "lab_bench_package/notes.txt": "nothing reads this",
}
BENCH = """
from campaign_fakes import Divider
from cimspice.bench import register
@register
class Mine(Divider):
"""
CAMPAIGN = '[campaign]\nbench = "lab_divider"\n[sweep]\nsupply = [1.0, 2.0]\n'


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def remaining(folder, environment, toml="lab.toml", entry="lab_entry.py"):
    """Points that a process of its own would run: all, or none."""
    words = ["-m", "cimspice", "characterize", toml, "--import", entry, "--dry-run", "--json"]
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["to_run"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A package of benches, its points finished by the command line; folder and environment."""
    folder = tmp_path_factory.mktemp("lab")
    write(folder, {**LAB, "lab.toml": CAMPAIGN})
    environment = {
        **os.environ,
        "CIMSPICE_CACHE": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(cimspice.__file__).parents[1]), str(folder / "elsewhere")]),
    }
    words = ["-m", "cimspice", "characterize", "lab.toml", "--import", "lab_entry.py", "-j", "1", "--json"]
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["done"] == POINTS
    assert remaining(folder, environment) == 0
    return folder, environment


EDITS = {
    "the bench's package": ("lab_bench_package/__init__.py", "GAIN = 1.0", "GAIN = 2.0"),
    "a sub-package": (
        "lab_bench_package/parts/__init__.py",
        "",
        "from . import resistors\nresistors.LOWER = 2e3\n",
    ),
    "the bench": ("lab_bench_package/divider.py", "GAIN * waveforms", "-GAIN * waveforms"),
    "a helper elsewhere, imported in measure": (
        "elsewhere/lab_helper_elsewhere.py",
        "VOLTS\n\n",
        "OTHER as VOLTS\n\n",
    ),
    "what a helper imports": ("elsewhere/lab_constants.py", "VOLTS = 0.0", "VOLTS = 0.1"),
    "data in a folder": ("lab_bench_package/data/target.json", "0.0", "0.1"),
    "data of a composed name": ("lab_bench_package/table_tt.csv", "0.0", "0.2"),
    "data that the bench declares": ("lab_bench_package/declared.dat", "0.0", "0.3"),
}


def in_this_process(folder, monkeypatch):
    """Digest of the bench as this process, which has imported it before, finds it now."""
    from cimspice.bench.bench import bench
    from cimspice.campaign.provenance import code_digest

    for place in (folder, folder / "elsewhere"):
        monkeypatch.syspath_prepend(str(place))
    __import__("lab_bench_package.divider")
    return code_digest(type(bench("lab_divider")))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_is_noticed_also_one_of_the_same_size_in_the_same_process(lab, edit, monkeypatch):
    folder, _ = lab
    before = in_this_process(folder, monkeypatch)
    name, old, new = edit
    text = (folder / name).read_text()
    assert old in text
    try:
        (folder / name).write_text(text.replace(old, new, 1))
        assert in_this_process(folder, monkeypatch) != before
    finally:
        (folder / name).write_text(text)
    assert in_this_process(folder, monkeypatch) == before


# what `measure` says, the files that it then reaches (NAME: a word of this kind alone), and the one edited
REACHED = {
    "a folder that is no package, imported in measure": (
        "import NAME_plain.inner.helper as h", {"NAME_plain/inner/helper.py": "X = 1\n"},
    ),
    "an importer of another name": (
        "take('NAME_parts.one')", {"NAME_parts/__init__.py": "", "NAME_parts/one.py": "X = 1\n"},
    ),
    "a module of a composed name": (
        "importlib.import_module('NAME_parts.' + parameters.fault)",
        {"NAME_parts/__init__.py": "", "NAME_parts/none.py": "X = 1\n"},
    ),
    "all modules of a package": (
        "import NAME_parts as p; [take(f'{p.__name__}.{m.name}') for m in iter_modules(p.__path__)]",
        {"NAME_parts/__init__.py": "", "NAME_parts/none.py": "X = 1\n"},
    ),
    "a suffix of its own": ("Path(__file__).with_suffix('.csv').read_text()", {"NAME.csv": "1"}),
    "a sum of texts": ("(HERE / (self.name + '_limits.csv')).read_text()", {"NAME_limits.csv": "1"}),
    "a file without a suffix": ("(HERE / 'data' / 'weights').read_text()", {"data/weights": "1"}),
    "a hidden file": ("(HERE / '.limits').read_text()", {".limits": "1"}),
    "a folder of the environment": (
        "(Path(os.environ['LAB_FOLDER_OF_DATA']) / 'in_it.dat').read_text()", {"far/in_it.dat": "1"},
    ),
    "a folder in the user's home": (
        "(Path.home() / 'lab' / 'there.dat').read_text()", {"home/lab/there.dat": ""},
    ),
    "a file that is not there yet": (
        "(HERE / 'cfg' / 'option.toml').exists()", {"cfg/": "", "cfg/option.toml": ""},
    ),
    "a module that is not there yet": (
        "import NAME_later", {"elsewhere/": "", "elsewhere/NAME_later.py": ""},
    ),
    "files in a folder below": (
        "list((HERE / 'many').rglob('*'))", {"many/deep/": "", "many/deep/x.dat": ""},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REACHED)
def test_whatever_measure_reaches_is_covered_also_where_the_digest_was_made_before(
    kind, tmp_path, monkeypatch
):
    from cimspice import files
    from cimspice.bench.bench import bench
    from cimspice.campaign.provenance import code_digest

    name = f"reaches_{list(REACHED).index(kind)}"
    statement, reached = REACHED[kind]
    monkeypatch.setattr(files, "_SETTLED_NANOSECONDS", 0)  # a digest is kept at once
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAB_FOLDER_OF_DATA", str(tmp_path / "far"))
    for folder in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.syspath_prepend(str(folder))
    imports = "import importlib, os\nfrom importlib import import_module as take\nfrom pathlib import Path\n"
    imports += "from pkgutil import iter_modules\nHERE = Path(__file__).parent\n"
    method = f"    name = '{name}'\n    def measure(self, parameters, waveforms):\n        "
    write(tmp_path, {f"{name}.py": imports + BENCH + method + statement.replace("NAME", name) + "\n"})
    *before, last = [(path.replace("NAME", name), text) for path, text in reached.items()]
    for path, text in before:
        (tmp_path / path).mkdir(parents=True) if path.endswith("/") else write(tmp_path, {path: text})
    if not any(path.endswith("/") for path, _ in before):
        write(tmp_path, dict([last]))
    __import__(name)
    found = type(bench(name))
    time.sleep(0.02)  # a tick of the file system's clock
    digest = code_digest(found)
    assert code_digest(found) == digest
    time.sleep(0.02)
    write(tmp_path, {last[0]: "EDITED = 2\n"})
    assert code_digest(found) != digest


def test_contents_that_change_places_behind_modules_of_equal_text_are_another_code(tmp_path, monkeypatch):
    from cimspice.bench.bench import bench
    from cimspice.campaign.provenance import code_digest

    monkeypatch.syspath_prepend(str(tmp_path))
    left, right = "X = 1\n", "X = 2\n"
    between = "from {} import X\ndef f(): return X\n"
    modules = {"swap_a.py": between.format("swap_c"), "swap_b.py": between.format("swap_d")}
    write(tmp_path, {**modules, "swap_c.py": left, "swap_d.py": right})
    method = "    name = 'swap_bench'\n    def measure(self, parameters, waveforms):\n        a.f() - b.f()\n"
    write(tmp_path, {"swap_bench.py": "import swap_a as a, swap_b as b\n" + BENCH + method})
    __import__("swap_bench")
    found = type(bench("swap_bench"))
    digest = code_digest(found)
    write(tmp_path, {"swap_c.py": right, "swap_d.py": left})
    assert code_digest(found) != digest


def test_the_command_line_runs_points_again_after_an_edit_and_none_after_it_is_taken_back(lab):
    folder, environment = lab
    path = folder / "elsewhere" / "lab_constants.py"
    text = path.read_text()
    path.write_text(text.replace("VOLTS = 0.0", "VOLTS = 0.1"))
    assert remaining(folder, environment) == POINTS
    path.write_text(text)
    assert remaining(folder, environment) == 0


def test_comments_docstrings_layout_and_files_that_nothing_reads_keep_the_points(lab, monkeypatch):
    folder, _ = lab
    before = in_this_process(folder, monkeypatch)
    path = folder / "lab_bench_package" / "divider.py"
    text = path.read_text()
    laid_out = text.replace('"""A divider."""', '"""Another."""\n# a comment').replace(
        "(parameters", "( parameters"
    )
    others = {"lab_bench_package/unrelated.py": "VALUE = 2.0\n", "lab_bench_package/notes.txt": "edited"}
    try:
        write(folder, {"lab_bench_package/divider.py": laid_out, **others})
        assert in_this_process(folder, monkeypatch) == before
    finally:
        write(folder, LAB)


def test_a_package_that_moves_with_its_imports_rewritten_keeps_its_points(lab):
    folder, environment = lab
    moved = folder / "moved" / "projects"
    for name, text in LAB.items():
        if "elsewhere" not in name.split("/")[0]:
            name = name.replace("lab_bench_package", "circuits/power/stages").replace("resistors", "elements")
            text = text.replace("lab_bench_package", "circuits.power.stages")
            text = text.replace("import resistors", "import elements").replace("resistors.", "elements.")
            write(moved, {name: text})
    write(
        moved,
        {"circuits/__init__.py": "", "circuits/power/__init__.py": '"""Power."""\n', "lab.toml": CAMPAIGN},
    )
    assert remaining(moved, environment) == 0


@pytest.fixture(scope="module")
def other_cimspice(lab, tmp_path_factory):
    """A copy of cimspice with its parts in other folders; the folder, and an environment that uses it."""
    folder, environment = lab
    copy = tmp_path_factory.mktemp("copy")
    home = Path(cimspice.__file__).parent
    shutil.copytree(home, copy / "cimspice", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("netlists", "pdk", "characterize"):
        source = home.parent / kind
        (copy / kind).symlink_to(source if source.is_dir() else home / "_data" / kind)
    (copy / "cimspice" / "simulator").mkdir()
    (copy / "cimspice" / "simulator" / "__init__.py").touch()
    (copy / "cimspice" / "spice").rename(copy / "cimspice" / "simulator" / "engine_side")
    (copy / "cimspice" / "campaign" / "policy.py").rename(copy / "cimspice" / "second_try.py")
    for path in (copy / "cimspice").rglob("*.py"):
        text = re.sub(r"cimspice\.spice\b", "cimspice.simulator.engine_side", path.read_text())
        path.write_text(text.replace("cimspice.campaign.policy", "cimspice.second_try"))
    entry = folder / "with_copy"
    write(
        entry,
        {
            name: text.replace("cimspice.spice", "cimspice.simulator.engine_side")
            for name, text in LAB.items()
        },
    )
    write(entry, {"lab.toml": CAMPAIGN})
    return copy, entry, {**environment, "PYTHONPATH": os.pathsep.join([str(copy), str(entry / "elsewhere")])}


def test_cimspice_in_other_folders_finds_the_points_and_an_edit_in_its_simulator_does_not(other_cimspice):
    copy, entry, environment = other_cimspice
    assert remaining(entry, environment) == 0
    path = copy / "cimspice" / "simulator" / "engine_side" / "console.py"
    path.write_text(path.read_text().replace("_HISTORY_EVERY = 50", "_HISTORY_EVERY = 51"))
    assert remaining(entry, environment) == POINTS


class _EditingPool(FakePool):
    """Edits a file while it runs work."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def map(self, *arguments, **options):
        for result in super().map(*arguments, **options):
            self.path.write_text("LIMIT = 2.0\n")
            yield result


def test_points_are_not_kept_under_the_code_of_before_once_it_is_edited_while_they_run(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, {"edited_meanwhile.py": "LIMIT = 1.0\n"})
    bench = BENCH + "    name = 'edited_meanwhile'\n    from edited_meanwhile import LIMIT\n"
    write(tmp_path, {"bench_edited_meanwhile.py": bench})
    __import__("bench_edited_meanwhile")
    specification = parse_specification(
        {"campaign": {"bench": "edited_meanwhile"}, "sweep": {"supply": [1.0, 2.0]}}
    )
    with Store(tmp_path / "points.sqlite") as store:
        with pytest.raises(CimspiceError, match="was changed while its points were run"):
            run_campaign(
                specification,
                store=store,
                engine=_EditingPool(tmp_path / "edited_meanwhile.py"),
                environment=ENVIRONMENT,
            )
        assert store.holdings() == []


def test_a_declared_file_that_is_missing_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CIMSPICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    bench = BENCH + "    name = 'lacks_a_file'\n    files = ('limits.csv',)\n"
    write(tmp_path, {"bench_lacks_a_file.py": bench, "c.toml": '[campaign]\nbench = "lacks_a_file"\n'})
    words = [
        str(tmp_path / "c.toml"),
        "--import",
        str(tmp_path / "bench_lacks_a_file.py"),
        "--dry-run",
        "--json",
    ]
    assert run(["characterize", *words]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "'limits.csv'" in error["message"]
    assert error["place"] == str(tmp_path / "limits.csv")


def test_code_that_lists_folders_is_taken_to_read_those_below_its_own_and_no_others(tmp_path, monkeypatch):
    from cimspice.bench.bench import bench
    from cimspice.campaign.provenance import code_digest

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(str(tmp_path / "lab"))
    method = "    name = 'lists_bench'\n    def measure(self, parameters, waveforms):\n"
    body = "        return [*Path('/proc').iterdir(), *(HERE / 'data').iterdir()]\n"
    start = "from pathlib import Path\nHERE = Path(__file__).parent\n"
    write(tmp_path, {"lab/lists_bench.py": start + BENCH + method + body, "lab/data/x.csv": "1"})
    write(tmp_path, {"home/data/mail.txt": "1", "data/other.csv": "1"})
    __import__("lists_bench")
    found = type(bench("lists_bench"))
    digest = code_digest(found)
    write(tmp_path, {"home/data/mail.txt": "2", "home/data/more.txt": "2", "data/other.csv": "2"})
    assert code_digest(found) == digest
    write(tmp_path, {"lab/data/x.csv": "2"})
    assert code_digest(found) != digest
