"""Citation and contributor's guide say what is so."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_is_of_this_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]


def test_every_path_in_the_contributors_guide_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`([\w.-]+/[\w.-]+[\w./-]*|[\w-]+\.(?:md|toml|lock|yml|cff))`", text)
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_residuals_of_the_synapse_are_the_same_on_both_pages():
    neuron, models = (
        (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("neuron.md", "models.md")
    )
    printed = [float(value) for value in re.findall(r"^  [np]  \S.*? \d+ +([\d.]+) % ", neuron, re.M)]
    rows = re.findall(r"^\|.*`(?:Reversal|CurrentDependent|VoltageDependent)Synapse`.*", models, re.M)
    stated = [[float(value) for value in re.findall(r"([\d.]+) %", row)] for row in rows]
    assert [[float(f"{value:.2g}") for value in printed[k::3]] for k in range(3)] == stated
