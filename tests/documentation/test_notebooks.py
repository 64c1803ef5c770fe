"""The notebooks of the documentation run; results and progress show themselves in them."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
SHOWN = {
    "circuit": ["<table", "████████████████████████ 9/9", "1.8"],
    "curves": ["<b>Fit of reversal_synapse</b>", "2.8", "<b>Card of reversal_synapse</b>"],
    "weights": ["of the largest current", "████████████████████████ 1/1"],
}


def test_every_notebook_is_run():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SHOWN)


@pytest.mark.spice
@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_runs_and_shows_its_results(name, tmp_path):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") + output.get("data", {}).get("text/html", "") for output in outputs)
    assert [words for words in SHOWN[name] if words not in text] == []
    assert not any(output.get("name") == "stderr" for output in outputs), text
