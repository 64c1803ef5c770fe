"""Networks and settings that cannot be scheduled end with value, place and remedy, and exit code 2."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from worked_example import toml_file

from cimspice.cli.app import run
from cimspice.fit.family_card import Card, CardConditions, Part
from cimspice.network import from_onnx
from cimspice.schedule import ElementCard, load_graph
from cimspice.schedule.element_card import PART
from cimspice.schedule.shapes import from_network

HEAD = "input = [2, 6, 6]\n"


def layer(**keys) -> str:
    return "[[layers]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


def refused(capsys, *words) -> dict:
    code = run(["schedule", *map(str, words), "--json"])
    found = json.loads(capsys.readouterr().out)["error"]
    assert code == found["exit_code"] == 2
    assert found["remedy"]
    assert found["place"] or "layer" in found["message"]
    return found


CONV = {"kind": "conv", "channels": 4}
A = layer(**CONV, name="a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (layer(kind="conv", channels=4, kernel=9), "a kernel of 9 x 9 does not fit"),
        (layer(**CONV, padding=-1), "padding"),
        (layer(**CONV, padding=0.5), "padding"),
        (layer(**CONV, groups=3), "3 groups for 2 channels read"),
        (layer(**CONV, name="a", inputs=["b"]), "layer 'a' takes 'b', which no layer before it gives"),
        (A + layer(**CONV, name="b", kernel=3) + layer(kind="add", name="s", inputs=["a", "b"]),
         "layer 's' cannot add 'a' of 4 x 6 x 6 and 'b' of 4 x 4 x 4"),
        (A + layer(kind="pool", name="p", kernel=2) + layer(kind="concat", inputs=["a", "p"]),
         "cannot concat 'a' of 4 x 6 x 6 and 'p' of 4 x 3 x 3"),
        (layer(kind="transposed", channels=4), "kind"),
        (layer(kind="pool", kernel=2), "no layer has weights"),
        (layer(kind="conv"), "lacks 'channels'"),
        (layer(**CONV, stride=0), "stride"),
        ("layers = 3\n", "layers"),
    ],
)  # fmt: skip
def test_files_of_shapes_that_make_no_network(text, words, capsys, tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(HEAD + text)
    found = refused(capsys, path)
    assert words in found["message"]
    assert str(path) in found["place"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "no network 'nonsense'"),
        (["tinyyolov4", "--pes", 116], "116 crossbars for tinyyolov4, which needs 117"),
        (["tinyyolov4", "--pes", 130, "--extra", 1], "--extra and --pes"),
        (["tinyyolov4", "--sets", "0x3"], "sets '0x3'"),
        (["tinyyolov4", "--sets", "0"], "sets '0'"),
        (["tinyyolov4", "--split", "random"], "split 'random'"),
        (["tinyyolov4", "--objective", "luck"], "objective 'luck'"),
        (["tinyyolov4", "--link", 0], "link"),
        (["tinyyolov4", "--link", "nan"], "link"),
        (["tinyyolov4", "--row-time", -1], "rows of the input every -1 s"),
        (["tinyyolov4", "--row-time", "nan"], "rows of the input every nan s"),
        (["tinyyolov4", "--extra", -1], "extra = -1"),
        (["tinyyolov4", "--images", 0], "images = 0"),
        (["tinyyolov4", "--pe", "256"], "crossbars '256'"),
        (["tinyyolov4", "--pe", "255x255", "--columns-per-weight", 2], "255 columns"),
        (["tinyyolov4", "--buffer-rows", 0], "0 rows"),
        (["tinyyolov4", "--buffer-rows", 3], "buffer of 3 rows of layer"),
        (["tinyyolov4", "--input", "0x3"], "input '0x3'"),
        (["tinyyolov4", "--input", "8"], "input '8'"),
        (["tinyyolov4", "--depthwise", "sparse"], "depthwise is 'sparse'"),
        (["tinyyolov4", "--dense", "maybe"], "dense is 'maybe'"),
        (["resnet50", "--stride", "last"], "stride 'last'"),
    ],
)
def test_settings_that_make_no_schedule(words, said, capsys):
    assert said in refused(capsys, *words)["message"]


def model(nodes, shape, arrays=None, *, batch=1, outputs=("y",)) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.asarray(array, np.float32), name)
            for name, array in (arrays or {}).items()
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    return made


def conv(name="c", **attributes):
    return helper.make_node("Conv", ["x", "w"], ["y"], name=name, **attributes)


W = {"w": np.zeros((4, 2, 3, 3))}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (model([helper.make_node("LSTM", ["x", "w"], ["y"], name="l")], (2, 6, 6), W), "node 'l' (LSTM)"),
        (model([helper.make_node("ConvTranspose", ["x", "w"], ["y"])], (2, 6, 6), W), "ConvTranspose"),
        (model([conv()], (2, "h", "w"), W), "sizes behind the batch are open"),
        (model([conv()], (2, 6, 6), W, batch=4), "is a batch of 4"),
        (model([conv()], (2, 2, 2), W), "does not fit"),
        (model([conv(pads=[-1, 0, 0, 0])], (2, 6, 6), W), "negative padding"),
        (model([conv(strides=[0, 1])], (2, 6, 6), W), "strides (0, 1)"),
        (model([conv(dilations=[1, 0])], (2, 6, 6), W), "dilations (1, 0)"),
        (model([conv(auto_pad="SAME_UPPER", strides=[0, 0])], (2, 6, 6), W), "strides (0, 0)"),
        (model([conv(group=2)], (2, 6, 6), W), "groups"),
        (model([helper.make_node("Add", ["y", "x"], ["z"], name="s"),
                helper.make_node("Relu", ["z"], ["y"], name="r")], (2, 6, 6)), "a cycle"),
        (model([conv(), helper.make_node("MaxPool", ["y"], ["p"], name="p", kernel_shape=[2, 2]),
                helper.make_node("Add", ["y", "p"], ["z"], name="s")], (2, 6, 6), W, outputs=("z",)),
         "cannot add 'c' of 4 x 4 x 4 and 'p' of 4 x 3 x 3"),
    ],
)  # fmt: skip
def test_onnx_files_that_cannot_be_scheduled(made, said, capsys, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    found = refused(capsys, path)
    assert said in found["message"]
    assert found["place"] == str(path)


def test_a_file_that_is_no_onnx_model(capsys, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x00no model" * 10)
    assert "not an ONNX file" in refused(capsys, path)["message"]


def test_a_file_of_gigabytes_is_refused_before_it_is_read(capsys, tmp_path):
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    assert "3221225472 bytes are more than" in refused(capsys, path)["message"]


@pytest.mark.parametrize("place", ["../w.bin", "/etc/w.bin", "..\\w.bin", "weights/w.bin"])
def test_weights_beside_an_onnx_file_are_not_read_and_must_lie_in_its_folder(place, capsys, tmp_path):
    made = model([conv()], (2, 6, 6), W)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": place, "offset": "0", "length": str(2**40)}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    if place == "weights/w.bin":  # it is not there, and not needed
        assert load_graph(path).base[0].channels == 4
    else:
        assert "outside the file's folder" in refused(capsys, path)["message"]


def card_file(tmp_path, **changes):
    part = ElementCard(rows=64, columns=64, origin="measured").part("read from a chip")
    records = {
        name: record.model_copy(update={"value": changes.get(name, record.value)})
        for name, record in part.parameters.items()
    }
    part = part.model_copy(update={"parameters": records})
    conditions = CardConditions(corner="ss", temperature=85.0)
    return Card(family="crossbar", conditions=conditions, parts={PART: part}).save(tmp_path / "card.json")


def test_time_energy_and_origin_come_from_the_card(capsys, tmp_path):
    words = ["schedule", "tinyyolov4", "--input", "64x64", "--card", str(card_file(tmp_path)), "--json"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out)
    card = ElementCard()
    assert found["card"]["origin"] == "measured"
    assert (found["corner"], found["temperature"]) == ("ss", 85.0)
    assert (found["pe"]["rows"], found["pe"]["columns"]) == (64, 64)
    time = card.input_bits * (card.settle_time + card.columns_per_converter * card.conversion_time)
    assert found["mvm_time_second"] == pytest.approx(time, rel=1e-12)
    energy, steps = found["energy"], found["cross_layer"]["steps"]
    mvms = sum(one["pes"] * one["pixels"] for one in found["layers"])
    assert energy["mvm_joule"] == pytest.approx(mvms * card.energy_per_mvm, rel=1e-12)
    assert energy["idle_joule"] == pytest.approx(
        found["pe"]["present"] * card.idle_power * steps * time, rel=1e-12
    )
    gated = [
        "schedule",
        "tinyyolov4",
        "--input",
        "64x64",
        "--card",
        str(card_file(tmp_path, gated=1)),
        "--json",
    ]
    assert run(gated) == 0
    assert json.loads(capsys.readouterr().out)["energy"]["idle_joule"] == 0


def test_bytes_that_are_sent_take_the_energy_of_the_card(capsys, tmp_path):
    words = ["schedule", "tinyyolov4", "--input", "64x64", "--json", "--card"]
    assert run([*words, str(card_file(tmp_path, transfer_energy=0))]) == 0
    without = json.loads(capsys.readouterr().out)
    assert run([*words, str(card_file(tmp_path, transfer_energy=2e-12))]) == 0
    found = json.loads(capsys.readouterr().out)
    # a byte a channel and pixel, and one more for each crossbar below the first
    sizes = [(-(-one["rows"] // 64), one["pixels"] * one["columns"]) for one in found["layers"]]
    bytes_ = sum(tall * size for tall, size in sizes)
    assert found["transfer"]["bytes"] == sum(size for _, size in sizes)
    assert without["energy"]["transfer_joule"] is None
    assert found["energy"]["transfer_joule"] == pytest.approx(2e-12 * bytes_, rel=1e-12)
    for name in ("total_joule", "layer_by_layer_total_joule"):
        more = found["energy"][name] - without["energy"][name]
        assert more == pytest.approx(found["energy"]["transfer_joule"], rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "words", "said"),
    [
        ({}, ["--pe", "128x128"], "the card is of crossbars of 64 x 64"),
        ({}, ["--columns-per-weight", "2"], "1 columns a weight"),
        ({"settle_time": 0.0}, [], "settle_time is 0"),
        ({"energy_per_mvm": -1.0}, [], "energy_per_mvm is -1"),
        ({"error": 0.0}, [], "error is 0"),
        ({"gated": 0.5}, [], "gated is 0.5"),
        ({"rows": 64.5}, [], "rows is 64.5"),
    ],
)
def test_cards_that_do_not_fit(changes, words, said, capsys, tmp_path):
    assert said in refused(capsys, "tinyyolov4", "--card", card_file(tmp_path, **changes), *words)["message"]


def test_a_card_without_the_part_and_one_with_a_number_that_is_none(capsys, tmp_path):
    path = Card(family="crossbar", parts={"wires": Part(origin="assumed")}).save(tmp_path / "other.json")
    assert "no part 'processing_element'" in refused(capsys, "tinyyolov4", "--card", path)["message"]
    text = card_file(tmp_path).read_text().replace('"value": 0.097', '"value": NaN')
    (tmp_path / "nan.json").write_text(text)
    refused(capsys, "tinyyolov4", "--card", tmp_path / "nan.json")


def test_rows_of_buffers_by_layer_from_a_file(capsys, tmp_path):
    (tmp_path / "rows.toml").write_text("a = 6\nb = 1\n")
    words = [str(toml_file(tmp_path)), "--buffer-rows", str(tmp_path / "rows.toml")]
    assert run(["schedule", *words, "--sets", "pixel", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cross_layer"]["steps"], found["buffers"]["limited"]) == (61, {"a": 6, "b": 1})
    (tmp_path / "rows.toml").write_text("z = 6\n")
    assert "no stored map 'z'" in refused(capsys, *words)["message"]
    (tmp_path / "rows.toml").write_text("a = 'six'\n")
    refused(capsys, *words)


def test_shapes_of_onnx_networks_are_those_that_computing_them_gives():
    """Uneven padding, dilation, groups, pads, slices, splits, sums with constants, means."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="c", auto_pad="SAME_LOWER", strides=[2, 2]),
        helper.make_node("Split", ["c"], ["s", "t"], name="s", axis=1),
        helper.make_node("Conv", ["t", "g"], ["d"], name="d", group=2, dilations=[2, 1], pads=[2, 0, 2, 2]),
        helper.make_node("Pad", ["s", "pads"], ["p"], name="p"),
        helper.make_node(
            "AveragePool", ["p"], ["q"], name="q", kernel_shape=[3, 2], ceil_mode=1, strides=[2, 2]
        ),
        helper.make_node("Conv", ["q", "v"], ["r"], name="r"),
        helper.make_node("ReduceMean", ["r"], ["m"], name="m", axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["m", "f"], ["y"], name="y"),
    ]
    arrays = {
        "w": np.ones((4, 2, 3, 3)),
        "g": np.ones((6, 1, 3, 3)),
        "v": np.ones((5, 2, 2, 2)),
        "f": np.ones((5, 3)),
    }
    made = model(nodes, (2, 13, 10), arrays)
    made.graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 1, 0, 0, 0, 0, 3]), "pads"))
    with_all = from_network(from_onnx(made))
    assert [node.name for node in with_all.nodes] == ["c", "s", "p", "q", "r", "m", "y"]  # d leads nowhere
    assert_same_graph(made, with_all)


def assert_same_graph(made, right):
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".onnx") as file:
        file.write(made.SerializeToString())
        file.flush()
        found = load_graph(file.name)
    for one, other in zip(found.nodes, right.nodes, strict=True):
        assert {**vars(one), "rows": None, "columns": None} == {**vars(other), "rows": None, "columns": None}
        np.testing.assert_equal((one.rows, one.columns), (other.rows, other.columns))
