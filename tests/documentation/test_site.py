"""The site is built from the pages and the packages' exports, without a warning and without a network."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    nowhere = "http://127.0.0.1:9"
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": nowhere, "https_proxy": nowhere}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_docs_is_in_it_and_fetches_nothing_from_elsewhere(site):
    for page in (ROOT / "docs").glob("*.md"):
        text = (site / f"{page.stem}.html").read_text(encoding="utf-8")
        assert not re.search(r'<(script|img|iframe)[^>]* src="?(https?:)?//', text), page
        assert not re.search(r'<link[^>]* rel="?(stylesheet|preconnect)"?[^>]* href="?(https?:)?//', text), (
            page
        )


def test_every_exported_name_is_in_the_reference_and_found_by_search(site):
    names = [page.stem for page in (site / "reference").glob("*.html")]
    assert {"cimspice", "cimspice.campaign", "cimspice.spice"} <= set(names)
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {tuple(document["location"].partition("#")[::2]) for document in index["docs"]}
    headings = {(page, address.rpartition(".")[2]) for page, address in found}
    for name in names:
        for export in importlib.import_module(name).__all__:
            place = (f"reference/{name}.html", export)
            is_there = place in headings or f"{name}.{export}" in names  # a package has a page of its own
            assert is_there or export.startswith("__"), f"{name}.{export} has no docstring"
