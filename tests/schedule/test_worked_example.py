"""Every number of a network of three convolutions that was worked out by hand and by two other programs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from worked_example import onnx_file, toml_file

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.schedule import Schedule, Settings, load_graph

PIXEL = {
    "a": np.arange(1, 37).reshape(6, 6),
    "b": [[23, 25, 26], [35, 37, 38], [39, 40, 41]],
    "c": np.arange(24, 60).reshape(6, 6),
}
ROW = {
    "a": PIXEL["a"],
    "b": [[25, 26, 27], [37, 38, 39], [40, 41, 42]],
    "c": np.arange(28, 64).reshape(6, 6),
}


def scheduled(tmp_path, **settings) -> Schedule:
    return Schedule(load_graph(toml_file(tmp_path)), Settings(**settings))


def printed(capsys, *words) -> dict:
    code = run(["schedule", *map(str, words), "--json"])
    found = capsys.readouterr()
    assert code == 0, found.err
    return json.loads(found.out)


@pytest.mark.parametrize("sets", ["pixel", "row"])
def test_every_pixel_ends_when_worked_out_by_hand(sets, tmp_path):
    times = scheduled(tmp_path, sets=sets).times[0]
    for name, right in {"pixel": PIXEL, "row": ROW}[sets].items():
        np.testing.assert_array_equal(times[name].end, right)


@pytest.mark.parametrize("file", [toml_file, onnx_file])
@pytest.mark.parametrize(
    ("sets", "steps", "utilisation"),
    [("pixel", 59, 81 / 177), ("row", 63, 81 / 189), ("2xW", 78, 81 / 234), ("map", 81, 1 / 3)],
)
def test_steps_and_utilisation_of_all_sizes_of_sets(file, sets, steps, utilisation, capsys, tmp_path):
    found = printed(capsys, file(tmp_path), "--sets", sets)
    assert found["layer_by_layer"]["steps"] == 81
    assert found["layer_by_layer"]["utilisation"] == pytest.approx(1 / 3, rel=1e-14)
    assert found["cross_layer"]["steps"] == steps
    assert found["cross_layer"]["utilisation"] == pytest.approx(utilisation, rel=1e-14)
    assert found["pe"]["minimum"] == found["pe"]["used"] == 3
    assert (found["replay"]["max_difference"], found["replay"]["missing_reads"]) == (0.0, 0)
    assert found["replay"]["layers_that_cannot_be_earlier"] == 3


@pytest.mark.parametrize(
    ("extra", "copies", "serial", "steps"),
    [
        (1, [2, 1, 1], 63, (48, 51, 53)),
        (2, [2, 1, 2], 45, (30, 33, 39)),
        (3, [3, 1, 2], 39, (27, 33, 33)),
        (4, [3, 1, 3], 33, (22, 30, 30)),
        (6, [4, 1, 4], 27, (17, 24, 26)),
    ],
)
def test_copies_and_what_they_bring(extra, copies, serial, steps, capsys, tmp_path):
    path = toml_file(tmp_path)
    kinds = (("pixel", "cyclic"), ("row", "cyclic"), ("pixel", "stripes"))
    for (sets, split), right in zip(kinds, steps, strict=True):
        found = printed(capsys, path, "--extra", extra, "--sets", sets, "--split", split)
        assert [layer["copies"] for layer in found["layers"]] == copies
        assert found["duplicated"]["steps"] == serial
        assert found["cross_layer"]["steps"] == right


def test_the_least_sum_has_other_copies_than_the_least_slowest_layer(capsys, tmp_path):
    found = printed(capsys, toml_file(tmp_path), "--extra", 6, "--objective", "sum")
    assert [layer["copies"] for layer in found["layers"]] == [4, 2, 3]
    assert found["duplicated"]["steps"] == found["layer_by_layer"]["best_steps"] == 26


def test_images_follow_one_another_at_the_pace_of_the_slowest_layer(capsys, tmp_path):
    path = toml_file(tmp_path)
    for sets, right in (("pixel", (59, 95, 131)), ("row", (63, 99, 135))):
        for images, steps in zip((1, 2, 3), right, strict=True):
            found = printed(capsys, path, "--sets", sets, "--images", images)
            assert found["cross_layer"]["steps"] == steps
            assert found["interval_second"] == pytest.approx(36 * found["mvm_time_second"], rel=1e-12)


def test_most_bytes_wait_at_step_36(capsys, tmp_path):
    found = printed(capsys, toml_file(tmp_path), "--sets", "pixel")["buffers"]
    assert (found["peak_bytes"], found["peak_step"]) == (148, 36)


@pytest.mark.parametrize(("rows", "steps"), [((6, 2), 59), ((6, 1), 61)])
def test_small_buffers_hold_layers_back(rows, steps, tmp_path):
    assert scheduled(tmp_path, sets="pixel", buffer_rows=dict(zip("ab", rows, strict=True))).steps == steps


@pytest.mark.parametrize("rows", [1, 2, 3, 6])
def test_five_rows_of_the_first_map_deadlock_and_the_error_says_how_many_it_needs(rows, tmp_path):
    with pytest.raises(ParameterError, match="5 rows of layer 'a'") as caught:
        _ = scheduled(tmp_path, sets="pixel", buffer_rows={"a": 5, "b": rows}).steps
    assert "6 rows of 'a'" in caught.value.remedy


@pytest.mark.parametrize(("slow", "steps"), [(0.1, 60), (0.25, 61.5), (0.5, 99), (1, 195)])
def test_links_that_take_a_share_of_an_mvm_for_a_byte(slow, steps, capsys, tmp_path):
    path = toml_file(tmp_path)
    second = printed(capsys, path)["mvm_time_second"]
    found = printed(capsys, path, "--sets", "pixel", "--link", 1e-9 / (slow * second))
    assert found["cross_layer"]["steps"] == pytest.approx(steps, rel=1e-12)
    assert found["transfer"]["seconds_added"] == pytest.approx((steps - 59) * second, rel=1e-9)
    assert found["transfer"]["bytes"] == 36 * 4 + 9 * 4 + 36 * 2


def test_rows_of_a_sensor_hold_every_layer_back(capsys, tmp_path):
    """A row every 10 steps: a's row y starts with row y + 1, at 20, 30 ... 60; by hand a's rows end at 26,
    36, 46, 56, 66, 72, b's pixels at 55, 57, 58, 71, 73, 74, 75, 76, 77, and c's last at 95."""
    path = toml_file(tmp_path)
    second = printed(capsys, path)["mvm_time_second"]
    words = (path, "--sets", "pixel", "--row-time", 10 * second)
    plan = scheduled(tmp_path, sets="pixel", row_time=10 * second)
    assert plan.times[0]["a"].end[:, -1].tolist() == [26, 36, 46, 56, 66, 72]
    assert plan.times[0]["b"].end.ravel().tolist() == [55, 57, 58, 71, 73, 74, 75, 76, 77]
    limited = scheduled(tmp_path, sets="pixel", row_time=10 * second, buffer_rows=64)
    assert limited.steps == plan.steps == 95
    for images, steps in ((1, 95), (2, 155), (3, 215)):
        found = printed(capsys, *words, "--images", images)
        assert found["cross_layer"]["steps"] == steps
        assert (found["replay"]["missing_reads"], found["replay"]["layers_that_cannot_be_earlier"]) == (0, 3)
        assert found["interval_second"] == pytest.approx(60 * second, rel=1e-12)
        assert found["settings"]["row_time_second"] == 10 * second


def test_the_busiest_crossbars_are_those_of_the_layer_with_most_pixels_a_copy(capsys, tmp_path):
    found = printed(capsys, toml_file(tmp_path), "--extra", 3, "--images", 2)[
        "pe"
    ]  # copies 3, 1, 2: 12, 9, 18
    assert found["busiest_layer"] == "c"
    assert found["busiest_second"] == pytest.approx(2 * 18 * 1.4e-6, rel=1e-12)


def test_images_on_slow_links_follow_at_the_pace_of_the_slowest_port(capsys, tmp_path):
    path = toml_file(tmp_path)
    second = printed(capsys, path)["mvm_time_second"]
    words = (path, "--sets", "pixel", "--link", 1e-9 / second)  # a step a byte: 4 steps a pixel of layer a
    found = [printed(capsys, *words, "--images", images) for images in (1, 2, 3)]
    assert found[0]["interval_second"] == pytest.approx(144 * second, rel=1e-12)
    assert found[2]["cross_layer"]["steps"] - found[1]["cross_layer"]["steps"] == pytest.approx(144)
