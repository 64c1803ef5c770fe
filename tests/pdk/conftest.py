"""The installed PDK, and ngspice in batch mode as the reference simulator."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from cimspice.pdk import Pdk, locate

_INITIALISATION = "set ngbehavior=hsa\nset ng_nomodcheck\nset num_threads=1\n"


@pytest.fixture(scope="session")
def pdk() -> Pdk:
    """The PDK that `make setup` installed; its own error says what to do where it is missing."""
    return locate()


@pytest.fixture(scope="session")
def run_deck(tmp_path_factory):
    """A function deck -> plots written by it: file name -> list of {vector: values}, all digits kept."""
    if shutil.which("ngspice") is None:
        pytest.fail("ngspice is not installed: apt install ngspice")

    def run(deck: str) -> dict[str, list[dict[str, np.ndarray]]]:
        folder = tmp_path_factory.mktemp("deck")
        (folder / ".spiceinit").write_text(_INITIALISATION)
        (folder / "deck.cir").write_text(deck)
        done = subprocess.run(
            ["ngspice", "-b", "deck.cir"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        words = (done.stdout + done.stderr).lower()
        for trouble in ("error", "fatal", "can't find", "singular"):
            assert trouble not in words, done.stdout + done.stderr
        return {path.name: _plots(path.read_bytes()) for path in sorted(folder.glob("*.raw"))}

    return run


def _plots(content: bytes) -> list[dict[str, np.ndarray]]:
    plots = []
    while content:
        head, _, content = content.partition(b"Binary:\n")
        lines = head.decode().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        count, points = int(fields["No. Variables"]), int(fields["No. Points"])
        kind = np.dtype(complex if "complex" in fields["Flags"] else float)
        first = next(i for i, line in enumerate(lines) if line.startswith("Variables:")) + 1
        names = [line.split()[1] for line in lines[first : first + count]]
        size = count * points * kind.itemsize
        values = np.frombuffer(content[:size], dtype=kind).reshape(points, count)
        plots.append({name: values[:, column] for column, name in enumerate(names)})
        content = content[size:]
    return plots
