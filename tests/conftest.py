"""What tests of several parts share."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before numpy is imported, here and in processes that start from here: a second BLAS thread waits more than
# it computes (fits of Gaussian processes took 7 times the CPU). They find what Python compiled before, too.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pandas as pd
import pytest
from figure_checks import check_figure
from hypothesis import HealthCheck, settings
from matplotlib.figure import Figure as Canvas

from cimspice.neuron.model.build import COLUMNS, neuron_model
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.pdk.source import cache_directory

# Property tests try the same cases on every machine, however slow; `--hypothesis-profile=default` looks for
# new ones.
settings.register_profile(
    "same cases", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same cases")

# These go first, the longest before the others: a run ends when its last file does, and what several of them
# simulate is in the store when the second asks for it.
LONGEST = """
neuron/test_fit_command sram/test_sram_card_command neuron/test_neuron_card_command
crossbar/test_crossbar_shapes campaign/test_cluster pdk/test_slice_equals_library
neuron/test_validate_network documentation/test_notebooks cli/test_wheel neuron/test_resistor_synapse
cli/test_demo documentation/test_site sram/test_validate_sram rram/test_rram_card_command
neuron/test_neuron_characterisation campaign/test_stale_results neuron/test_tutorial
sram/test_validate_sram_learning crossbar/test_crossbar_card_command sram/test_sram_learning_documentation
fit/test_interval_coverage spice/test_pool rram/test_rram_programming campaign/test_campaign_spice
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which they are to start (with pytest-xdist: ``--no-loadscope-reorder``)."""
    rank = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONGEST.split())}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


# Started in the background by a shell, Python ignores Ctrl-C, and so would the programs under test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache and store for all processes of a run, below pytest's temporary folder. Only
    the device models are the user's, and they are read.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):  # made by another process of this run
        (cache / "pdk").symlink_to(cache_directory() / "pdk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIMSPICE_CACHE", str(cache))
        yield cache


GOLDEN_NEURON = Path(__file__).parent / "golden" / "neuron"


@pytest.fixture(scope="session", autouse=True)
def figures() -> Iterator[list[Canvas]]:
    """Every figure that any test saves is checked; those of the PNGs, the last at the end."""
    drawn: list[Canvas] = []
    plain = Canvas.savefig

    def save_and_check(canvas: Canvas, *given: Any, **named: Any) -> None:
        plain(canvas, *given, **named)
        if "metadata" not in named:  # the SVG is the same figure
            check_figure(canvas)
            drawn.append(canvas)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Canvas, "savefig", save_and_check)
        yield drawn


@pytest.fixture
def examples() -> Callable[[str, str], list[tuple[str, str, str]]]:
    """Runs a page's Python blocks in one namespace: what each printed, kind and text of the next block."""

    def run(text: str, place: str) -> list[tuple[str, str, str]]:
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
        namespace: dict = {"__name__": "documentation"}
        found = []
        for (kind, block), (following, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
            if kind == "python":
                with contextlib.redirect_stdout(io.StringIO()) as screen:
                    exec(compile(block, place, "exec"), namespace)
                found.append((screen.getvalue().strip(), following, expected.strip()))
        return found

    return run


@pytest.fixture(scope="session")
def neuron_tables() -> dict[str, pd.DataFrame]:
    """Tables of the stored characterisation (``tests/golden/make_neuron.py``). Not to be changed in place."""
    return {name: pd.read_parquet(GOLDEN_NEURON / f"{name}.parquet") for name in COLUMNS}


@pytest.fixture(scope="session")
def neuron(neuron_tables) -> NeuronModel:
    """Model of the stored characterisation: tt, 27 degrees, a network 3-2-2."""
    circuit = json.loads((GOLDEN_NEURON / "conditions.json").read_text())["circuit"]
    return neuron_model(neuron_tables, phase=circuit["phase"], rest_voltage=circuit["rest_voltage"])
