"""A store on a full disk is made smaller; one that cannot be written still gives what it holds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from campaign_fakes import ENVIRONMENT, FakePool

from cimspice.campaign import Store, parse_specification, run_campaign
from cimspice.campaign.store import Record
from cimspice.errors import StoreError

CAMPAIGN = {"campaign": {"bench": "test_divider"}, "sweep": {"supply": [0.5, 1.0, 2.0]}}
FILL = """
import os, sys
from pathlib import Path
from cimspice.campaign import Store
from cimspice.campaign.store import Record
from cimspice.errors import StoreError

def fill(path):
    with open(path, "wb", buffering=0) as file:
        while file.write(bytes(512)):
            pass

disk = Path(sys.argv[1])
store, kept = Store(disk / "points.sqlite"), 0
try:
    while True:
        name = "ab"[kept % 2]
        values = {"x": [kept + 0.1] * 500}
        store.record([Record(f"{kept:064d}", name, {}, "tt", 27.0, values, None, None, 0.0)])
        kept += 1
except StoreError as error:
    assert "full" in str(error), error
if sys.argv[2] == "ended":
    store.close()
try:
    fill(disk / "other")
except OSError:
    pass
os._exit(0)  # as a kill: the log stays
"""


@pytest.fixture
def disk(tmp_path):
    """A disk of 3 MB of its own."""
    made = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)]
    if not sys.platform.startswith("linux") or subprocess.run(made, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize("writer", ["ended", "killed"])
def test_points_are_removed_on_a_disk_that_the_store_has_filled_and_the_disk_is_given_back(disk, writer):
    subprocess.run([sys.executable, "-c", FILL, str(disk), writer], check=True)
    environment = {**os.environ, "CIMSPICE_CACHE": str(disk)}
    before = os.statvfs(disk).f_bavail
    words = [sys.executable, "-m", "cimspice", "cache", "prune", "--bench", "a"]
    subprocess.run(words, env=environment, check=True, capture_output=True)
    freed = (os.statvfs(disk).f_bavail - before) * os.statvfs(disk).f_frsize
    assert freed > 0.8e6
    with Store(disk / "points.sqlite") as store:
        (held,) = store.holdings()
        assert held.bench == "b"
        assert store.read([f"{1:064d}"])[f"{1:064d}"].rows == {"x": [1.1] * 500}
        store.record([Record("new", "b", {}, "tt", 27.0, {"x": [0.5]}, None, None, 0.0)])


@pytest.fixture
def finished(tmp_path):
    """A campaign finished in a store whose folder cannot be written afterwards."""
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(disk, capture_output=True, check=False).returncode:
        pytest.skip("root may write everywhere, and may not mount here")
    settings = {"store": folder / "points.sqlite", "engine": FakePool(), "environment": ENVIRONMENT}
    run_campaign(parse_specification(CAMPAIGN), **settings)
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    else:
        (folder / "points.sqlite").chmod(0o444)
        folder.chmod(0o555)
    yield folder / "points.sqlite"
    if os.geteuid() == 0:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    else:
        folder.chmod(0o755)


def test_a_store_that_cannot_be_written_gives_what_it_holds_and_refuses_more_before_it_is_run(finished):
    settings = {"store": finished, "engine": (pool := FakePool()), "environment": ENVIRONMENT}
    result = run_campaign(parse_specification(CAMPAIGN), **settings)
    assert (result.cached, result.done, pool.ran) == (3, 3, [])
    more = {**CAMPAIGN, "sweep": {"supply": [0.5, 3.0]}}
    with pytest.raises(StoreError, match=r"can only be read(.|\n)*CIMSPICE_CACHE"):
        run_campaign(parse_specification(more), **settings)
    assert pool.ran == []
