"""What a command does where its streams are full or closed: an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cimspice.screen.output import print_json

COMMAND = f'"{sys.executable}" -m cimspice'


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    ("words", "code", "reported"),
    [
        ("--version >/dev/full", 1, "the disk is full"),
        ("compare nowhere nowhere --json >/dev/full", 2, "no such run folder"),
        ("compare nowhere nowhere >/dev/full 2>/dev/full", 2, ""),
        ("compare nowhere nowhere <&- >&- 2>&-", 2, ""),
        ("--version <&- >&-", 0, ""),
    ],
)
def test_full_and_closed_streams_end_in_an_exit_code_without_a_traceback(tmp_path, words, code, reported):
    done = subprocess.run(
        ["sh", "-c", f"{COMMAND} {words}"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == code
    assert reported in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert os.listdir(tmp_path) == []  # nothing was written into a file that took a closed stream's number


def test_lone_surrogates_are_printed_as_json_that_reads_back(capsys):
    print_json({"title": "a\ud800b"})
    shown = capsys.readouterr().out
    shown.encode("utf-8")
    assert json.loads(shown)["title"] == "a\ud800b"
