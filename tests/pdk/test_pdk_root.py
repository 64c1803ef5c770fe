"""PDK_ROOT in the layouts of open_pdks and ciel."""

from __future__ import annotations

import re
import shutil

import pytest

from cimspice.errors import PdkError
from cimspice.pdk import locate, slice_models, verify

DECK = (
    "* t\nx1 d g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25\n"
    "x2 d g 0 0 sky130_fd_pr__special_nfet_latch w=0.21 l=0.15\n"
)


@pytest.fixture(scope="module")
def variant(pdk, tmp_path_factory):
    """sky130A with the models where open_pdks puts them: the cells' files in libs.ref."""
    root = tmp_path_factory.mktemp("pdks") / "sky130A"
    shutil.copytree(pdk.root / "combined_models", root / "libs.tech" / "combined")
    spice = root / "libs.ref" / "sky130_fd_pr" / "spice"
    spice.mkdir(parents=True)
    for path in (pdk.root / "cells").rglob("*.spice"):
        text = re.sub(r"\.\./\w+/(sky130)", r"\1", path.read_text(encoding="latin-1"))
        (spice / path.name).write_text(text, encoding="latin-1")
    for path in (root / "libs.tech" / "combined").rglob("*.spice"):
        text = path.read_text(encoding="latin-1")
        for depth in ("../../../cells/", "../../cells/", "../cells/"):
            while depth in text:
                before, _, after = text.partition(depth)
                up = "../" * (len(path.relative_to(root).parts) - 1)
                text = before + up + "libs.ref/sky130_fd_pr/spice/" + after.partition("/")[2]
        path.write_text(text, encoding="latin-1")
    (root / "SOURCES").write_text("open_pdks 1.0.999\n")
    return root


def test_slices_from_pdk_root_equal_those_of_the_pinned_distribution(pdk, variant, monkeypatch):
    expected = slice_models(DECK, pdk)
    for chosen in (variant.parent, variant):
        monkeypatch.setenv("PDK_ROOT", str(chosen))
        found = locate()
        assert (found.root, found.source, found.version) == (variant, "PDK_ROOT", "open_pdks 1.0.999")
        assert found.library() == variant / "libs.tech/combined/sky130.lib.spice"
        models = slice_models(DECK, found)
        assert models.text.splitlines()[1:] == expected.text.splitlines()[1:]
        assert models.corner_parameters == expected.corner_parameters
        assert verify(found) == found


def test_ngspice_folder_and_other_variants_are_found(variant, tmp_path, monkeypatch):
    other = tmp_path / "sky130B"
    shutil.copytree(variant, other)
    (other / "libs.tech" / "combined").rename(other / "libs.tech" / "ngspice")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    with pytest.raises(PdkError, match="holds no SKY130 models"):
        locate()
    monkeypatch.setenv("PDK", "sky130B")
    assert locate().library() == other / "libs.tech/ngspice/sky130.lib.spice"


def test_pdk_root_without_models_is_an_error_even_if_the_cache_has_them(pdk, tmp_path, monkeypatch):
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    with pytest.raises(PdkError, match="holds no SKY130 models") as caught:
        locate()
    assert str(tmp_path) in caught.value.message
    assert "unset" in caught.value.remedy


def test_the_older_models_are_refused_by_name(variant, tmp_path, monkeypatch):
    root = tmp_path / "sky130A"
    shutil.copytree(variant, root)
    library = root / "libs.tech" / "combined" / "sky130.lib.spice"
    changed = root / "libs.tech" / "combined" / "continuous" / "ss_fet.spice"
    fets = library.with_name("continuous") / "models_fet.spice"
    changed.write_text(fets.read_text(encoding="latin-1").replace("0.5190093", "0.53"), encoding="latin-1")
    head, section, tail = library.read_text().partition(".lib ss\n")
    library.write_text(head + section + tail.replace("models_fet.spice", "ss_fet.spice", 1))
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    with pytest.raises(PdkError, match="differ from corner to corner"):
        locate()


@pytest.mark.parametrize("variable", ["", "ihp-sg13g2", "gf180mcuD"])
def test_a_variable_that_names_another_technology_or_nothing_leaves_sky130a_in_place(
    variant, variable, monkeypatch
):
    (variant.parent / "ihp-sg13g2" / "libs.tech").mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PDK_ROOT", str(variant.parent))
    monkeypatch.setenv("PDK", variable)
    assert locate().root == variant


def test_a_variant_of_sky130_that_is_asked_for_and_missing_is_not_replaced(variant, monkeypatch):
    monkeypatch.setenv("PDK_ROOT", str(variant.parent))
    monkeypatch.setenv("PDK", "sky130B")
    with pytest.raises(PdkError, match="holds no SKY130 models"):
        locate()


def test_an_edit_of_an_included_file_of_the_same_size_is_noticed_in_the_same_process(
    variant, tmp_path, monkeypatch
):
    shutil.copytree(variant, tmp_path / "sky130A")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    before, models = locate(), slice_models(DECK)
    (path,) = (tmp_path / "sky130A").rglob("models_fet.spice")
    text = path.read_text(encoding="latin-1")
    edited = text.replace("vth0 = ", "vth0 =1")
    assert len(edited) == len(text)
    assert edited != text
    path.write_text(edited, encoding="latin-1")
    assert locate().digest != before.digest
    assert slice_models(DECK).digest != models.digest
