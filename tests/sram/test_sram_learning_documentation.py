"""The page on learning in the array runs, and its numbers are those of the words that it stores."""

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sram_learning.md"


def test_the_examples_run_and_compute_what_the_page_says(capsys):
    namespace: dict = {"__name__": "sram_learning_documentation"}
    for text in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(text, str(PAGE), "exec"), namespace)
    right = re.search(r"(\d+) % of the held-out flowers", capsys.readouterr().out)
    assert right is not None
    assert int(right[1]) > 85
    layer, inputs = namespace["layer"], namespace["inputs"]
    assert layer.columns == 3
    values = 2 * np.array([[0, 128, 255], [255, 64, 0]]) - 255
    volts = 3.5e-3 / 16 / 3 * np.einsum("gc,isc->isg", values, inputs)
    steps = volts / 2.5e-3 / 16  # slices together in steps of the upper one
    assert np.abs(layer.convert(layer.rails(inputs)) - steps).max() < 0.6
