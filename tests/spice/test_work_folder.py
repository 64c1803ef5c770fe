"""A temporary folder goes with its owner, also one that was killed; nothing that is not ours goes with it."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from spice_circuits import DIVIDER

from cimspice.spice import Pool, Session
from cimspice.spice.work_folder import PREFIX, WorkFolder, remove_abandoned


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def of_a_child(ending=None) -> tuple[int, Path]:
    """A folder with files in it, and the process that made it: killed, or one that waits to be."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            folder = WorkFolder("test")
            (folder.path / "below").mkdir()
            (folder.path / "below" / "file").write_text("text")
            os.write(write, str(folder.path).encode())
            signal.pause()
        finally:
            os._exit(1)
    os.close(write)
    made = Path(os.read(read, 4096).decode())
    os.close(read)
    if ending is not None:
        kill(child, ending)
    return child, made


def kill(child: int, how: int = signal.SIGKILL) -> None:
    os.kill(child, how)
    os.waitpid(child, 0)


def test_the_next_one_removes_the_folder_of_a_killed_process():
    _, left = of_a_child(signal.SIGKILL)
    assert (left / "below" / "file").is_file()
    with WorkFolder("test") as folder:
        assert folder.path.is_dir()
        assert not left.exists()
    assert not folder.path.exists()


def test_the_folder_of_a_living_process_stays():
    child, used = of_a_child()
    with WorkFolder("test") as own:
        remove_abandoned()
        assert (used / "below" / "file").is_file()
        assert own.path.is_dir()
    kill(child)


def test_links_files_and_other_names_are_not_touched(temporary, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("text")
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    (temporary / f"{PREFIX}file").write_text("text")
    (temporary / "another").mkdir()
    _, left = of_a_child(signal.SIGKILL)
    (left / "link").symlink_to(elsewhere)
    remove_abandoned()
    assert sorted(entry.name for entry in temporary.iterdir()) == [
        "another",
        f"{PREFIX}file",
        f"{PREFIX}link",
    ]
    assert (elsewhere / "precious").is_file()


def test_another_users_folder_is_not_touched(temporary, monkeypatch):
    (temporary / f"{PREFIX}theirs").mkdir()
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    remove_abandoned()
    assert (temporary / f"{PREFIX}theirs").is_dir()
    monkeypatch.setattr(os, "geteuid", lambda: own)
    remove_abandoned()
    assert not (temporary / f"{PREFIX}theirs").exists()


@pytest.mark.spice
def test_sessions_and_pools_hold_such_folders_and_leave_none(temporary):
    with Session() as session:
        session.load(DIVIDER)
        with Pool(1) as pool:
            assert next(pool.map(working_folder, [0])).startswith(str(temporary / PREFIX))
            assert {entry.name.split("-")[2] for entry in temporary.iterdir()} >= {"engine", "pool"}
        assert not list(temporary.glob(f"{PREFIX}pool-*"))


def working_folder(session, item) -> str:
    return os.getcwd()
