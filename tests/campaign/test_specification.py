from __future__ import annotations

import campaign_fakes  # noqa: F401 (registers the bench)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.campaign import parse_specification, read_specification
from cimspice.campaign.override import apply_overrides
from cimspice.errors import CimspiceError, ParameterError

GOOD = """
[campaign]
bench = "test_divider"
title = "Divider"

[parameters]
threshold = 0.25

[sweep]
lower_resistance = [100.0, 1e3, 10e3]
supply = {start = 0.5, stop = 1.5, step = 0.5}
corners = ["tt", "ss"]
temperatures = {start = 0, stop = 80, num = 3}

[[figure]]
x = "supply"
y = "output"
by = "lower_resistance"
log = "y"
"""


def write(tmp_path, text):
    path = tmp_path / "campaign.toml"
    path.write_text(text)
    return path


def test_file_becomes_a_specification(tmp_path):
    specification = read_specification(write(tmp_path, GOOD))
    assert specification.bench.name == "test_divider"
    assert specification.parameters == {"threshold": 0.25}
    assert [group.names for group in specification.groups] == [("lower_resistance",), ("supply",)]
    assert specification.groups[1].values == ((0.5,), (1.0,), (1.5,))
    assert specification.corners == ("tt", "ss")
    assert specification.temperatures == (0.0, 40.0, 80.0)
    assert specification.points == 3 * 3 * 2 * 3
    assert specification.figures[0].by == ("lower_resistance",)
    assert specification.figures[0].log == ("y",)


def test_every_problem_is_reported_at_once_with_key_value_and_what_is_allowed(tmp_path):
    text = """
[campaign]
bench = "test_divider"
titel = "x"
[parameters]
threshold = -1.0
reltol = "tight"
[sweep]
lower_resistence = [1.0]
supply = [0.5, 11.0]
corners = ["tt", "xx"]
temperatures = [27, -300]
zip = [["supply", "nothing"]]
[[figure]]
x = "suply"
y = "output"
log = "z"
[limits]
"""
    path = write(tmp_path, text)
    with pytest.raises(ParameterError) as caught:
        read_specification(path)
    message = str(caught.value)
    for reported in (
        "campaign.titel: unknown key, did you mean 'title'?; allowed: bench, title",
        "threshold = -1.0 V: input should be greater than or equal to 0",
        "reltol = 'tight'",
        "unknown parameter lower_resistence; did you mean lower_resistance?",
        "sweep: supply = 11.0 V",
        "(allowed: ≥ 0 V and ≤ 10 V)",
        "sweep.corners = 'xx': unknown corner; allowed: tt, ff, ss, sf, fs",
        "sweep.temperatures = -300",
        "'nothing' is not an axis of [sweep]",
        "figure[0].log.0 = 'z': Input should be 'x' or 'y'",
        "limits: unknown key, did you mean 'limit'?; allowed: campaign, parameters, sweep, monte_carlo",
        str(path),
    ):
        assert reported in message, reported


def test_figure_of_an_absent_column_is_refused_with_the_columns_there_are(tmp_path):
    path = write(tmp_path, GOOD.replace('x = "supply"', 'x = "suply"'))
    with pytest.raises(
        ParameterError, match=r"figure\[0\].x = 'suply': no such column, did you mean 'supply'"
    ):
        read_specification(path)


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ('"test_divider"', '"test_dividr"', "did you mean 'test_divider'"),
        ("threshold = 0.25", "supply = 1.0", "is swept too"),
        ("[100.0, 1e3, 10e3]", "100.0", "one value belongs in"),
        ('corners = ["tt", "ss"]', 'corner = "tt"', "write corners"),
        ('corners = ["tt", "ss"]', 'zip = [["lower_resistance", "supply", "supply"]]', "zipped twice"),
        ('corners = ["tt", "ss"]', "lower = []", "at least one value"),
        ("[campaign]", "[campaign", "not a TOML file"),
    ],
)
def test_wrong_files_are_refused(tmp_path, old, new, reported):
    assert old in GOOD
    with pytest.raises(ParameterError, match=reported):
        read_specification(write(tmp_path, GOOD.replace(old, new)))


def test_zipped_axes_run_together_and_must_be_of_one_length(tmp_path):
    zipped = GOOD.replace("[[figure]]", 'zip = ["lower_resistance", "supply"]\n[[figure]]')
    specification = read_specification(write(tmp_path, zipped))
    assert specification.groups[0].names == ("lower_resistance", "supply")
    assert specification.groups[0].values == ((100.0, 0.5), (1e3, 1.0), (10e3, 1.5))
    with pytest.raises(ParameterError, match="lower_resistance has 3, supply has 2"):
        read_specification(write(tmp_path, zipped), ["supply=[1.0, 2.0]"])


def test_missing_and_oversized_files_are_reported(tmp_path):
    with pytest.raises(CimspiceError, match="cannot read campaign file"):
        read_specification(tmp_path / "absent.toml")
    with pytest.raises(ParameterError, match="more than the 1048576"):
        read_specification(write(tmp_path, GOOD + "#" * (1 << 20)))


def test_overrides_fix_sweep_and_rename(tmp_path):
    path = write(tmp_path, GOOD)
    fixed = read_specification(path, ["supply=0.7", "campaign.title=Other", "corners=['ff']", "fault=none"])
    assert fixed.parameters == {"threshold": 0.25, "supply": 0.7, "fault": "none"}
    assert fixed.swept == ("lower_resistance",)
    assert (fixed.title, fixed.corners) == ("Other", ("ff",))
    swept = read_specification(path, ["threshold={start=0.1, stop=0.4, num=4}"])
    assert swept.swept == ("lower_resistance", "supply", "threshold")
    assert swept.parameters == {}


def test_fixing_a_zipped_parameter_takes_it_out_of_the_zip():
    raw = {"sweep": {"a": [1, 2], "b": [1, 2], "c": [1, 2], "zip": [["a", "b"]]}}
    assert apply_overrides(raw, ["a=5"]) == {
        "sweep": {"b": [1, 2], "c": [1, 2], "zip": []},
        "parameters": {"a": 5},
    }
    assert raw["sweep"]["a"] == [1, 2]


@pytest.mark.parametrize(
    ("text", "key", "value"), [("corners=ss", "corners", ["ss"]), ("temperatures=85", "temperatures", [85])]
)
def test_one_corner_or_temperature_may_be_set_like_any_other_key(text, key, value):
    assert apply_overrides({}, [text]) == {"sweep": {key: value}}


def test_override_without_equals_is_refused():
    with pytest.raises(ParameterError, match="is not key=value"):
        apply_overrides({}, ["supply"])


toml = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ("supply", "lower_resistance", "corners", "temperatures", "zip", "start", "bench", "x")
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(("campaign", "parameters", "sweep", "figure")),
        toml | st.dictionaries(names, toml, max_size=4) | st.just({"bench": "test_divider"}),
    )
)
def test_no_content_whatever_raises_anything_but_a_parameter_error(raw):
    try:
        specification = parse_specification(raw)
    except ParameterError:
        return
    assert specification.points >= 1
