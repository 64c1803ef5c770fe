"""Settings of ngspice in the user's environment reach none of our ways to it."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from cimspice.cli.app import run
from cimspice.netlist import Netlist
from cimspice.spice import Op, Pool, Session, simulate_batch

DIVIDER = Netlist("* divider\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n", "divider")
HALF = 0.5  # volts; the shunt below would make it 1/3
NAMES = ("SPICE_SCRIPTS", "SPICE_LIB_DIR", "SPICE_USERINIT_DIR")


@pytest.fixture(params=NAMES)
def foreign(request, tmp_path, monkeypatch):
    """The file that the foreign start-up file would make, were it executed."""
    mark = tmp_path / "executed"
    words = f"shell touch {mark}\noption rshunt=1k\n"
    (tmp_path / "scripts").mkdir()
    for name in ("spinit", "scripts/spinit", ".spiceinit"):
        (tmp_path / name).write_text(words)
    monkeypatch.setenv(request.param, str(tmp_path))
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    return mark


def divided(session, _item=0):
    session.load(DIVIDER)
    return float(session.run(Op(save=("b",)))["b"][0])


def test_no_start_up_file_of_the_environment_is_executed_on_any_way_to_ngspice(foreign):
    before = dict(os.environ)
    with Session() as session:
        assert divided(session) == pytest.approx(HALF, rel=1e-9)
    with Pool(workers=1) as pool:
        assert list(pool.map(divided, [0])) == [pytest.approx(HALF, rel=1e-9)]
    batch = simulate_batch(DIVIDER, Op(save=("b",)))
    assert float(batch["b"][0]) == pytest.approx(HALF, rel=1e-9)
    assert not foreign.exists()
    assert os.environ == before


def test_doctor_says_that_the_main_job_runs_whatever_start_up_files_there_are(foreign, capsys):
    assert run(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    assert not foreign.exists()


IN_GERMAN = """
import locale
from cimspice.netlist import Netlist
from cimspice.spice import Op, Session, simulate_batch
netlist = Netlist("* t\\nV1 a 0 1.5\\nR1 a 0 2.5k\\n", "t")
with Session() as session:
    session.load(netlist)
    locale.setlocale(locale.LC_ALL, "de_DE")
    session.alter("v1", 2.75)
    print(session.run(Op())["v1#branch"][0])
    session.load(netlist)
    print(session.run(Op())["v1#branch"][0])
print(simulate_batch(netlist, Op())["v1#branch"][0])
assert locale.localeconv()["decimal_point"] == ","
"""


@pytest.mark.skipif(shutil.which("localedef") is None, reason="no localedef to make a locale with")
def test_numbers_are_right_after_the_program_has_chosen_a_locale_with_decimal_commas(tmp_path):
    made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE")]
    if subprocess.run(made, check=False).returncode:
        pytest.skip("no sources of locales")
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE"}
    done = subprocess.run(
        [sys.executable, "-c", IN_GERMAN], env=environment, capture_output=True, text=True, check=True
    )
    found = [float(word) for word in done.stdout.split()]
    assert found == pytest.approx([-1.1e-3, -0.6e-3, -0.6e-3], rel=1e-9)
