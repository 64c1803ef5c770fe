"""The page on networks runs, prints what it says, and lists what there is."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from cimspice.cli.app import run
from cimspice.network import built_in, load_network
from cimspice.network.built_in_networks import BUILT_IN
from cimspice.network.onnx_operators import CONVERSIONS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("code", "printed"), re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.M | re.S)
)
def test_the_examples_print_what_follows_them(code, printed):
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        exec(compile(code, "networks.md", "exec"), {"__name__": "networks_documentation"})
    assert screen.getvalue().split() == printed.split()


def test_the_example_of_the_map_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ends = "source_resistance = 100\nsense_resistance = 100\ntolerance = 0.05\n"
    settings = f"tile = 32\nlevels = 64\nword_line_resistance = 5\nbit_line_resistance = 5\n{ends}"
    (tmp_path / "tiles.toml").write_text(settings)
    shown = re.search(r"^\$ cimspice (map .*?)\n(.*?)^```$", PAGE, re.M | re.S)
    assert shown
    assert run(shown[1].split()) == 0
    assert capsys.readouterr().out.split()[: len(shown[2].split())] == shown[2].split()


def test_every_built_in_network_is_there_with_its_accuracy():
    listed = dict(re.findall(r"^\| `([\w-]+)` \| .* \| (0\.\d+) of", PAGE, re.M))
    assert set(listed) == set(BUILT_IN)
    for name in ("iris", "digits", "digits-64"):
        assert f"{built_in(name).test_accuracy:.3f}" == listed[name]


def test_every_operator_of_onnx_is_listed():
    paragraph = re.search(r"\*\*ONNX\.\*\*(.*?)\n\n", PAGE, re.S)
    assert paragraph
    known = set(re.findall(r"[A-Z]\w+", paragraph[1]))
    assert set(CONVERSIONS) <= known


def test_the_network_file_is_one(tmp_path):
    import numpy as np

    text = re.search(r"^```toml\n(.*?)^```$", PAGE, re.M | re.S)
    assert text
    (tmp_path / "net.toml").write_text(text[1])
    np.savez(tmp_path / "net.npz", k1=np.ones((2, 1, 3, 3)), c1=np.zeros(2), w=np.ones((32, 10)))
    assert load_network(tmp_path / "net.toml").macs == 64 * 18 + 320
