"""What is declared as ``altered`` is simulated as the netlist says, whatever the declaration says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import computed_field, model_validator

from cimspice.bench import Bench, benches, register
from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.environment import Environment
from cimspice.campaign.plan import Plan
from cimspice.netlist import Netlist, NetlistParameters, Template, quantity, render, template
from cimspice.spice import Op

UPPER = 1000.0
SUPPLIES = (0.5, 1.0, 1.26, 2.0, 4.0)


class Parameters(NetlistParameters):
    """Of a divider; what follows from the supply other than by the template stands below."""

    kind: str = "plain"
    supply: Annotated[float, quantity("V", ge=0)] = 1.0
    other: Annotated[float, quantity("V", ge=0)] = 1.0
    step: float = 1000.0

    @model_validator(mode="before")
    @classmethod
    def _step_follows(cls, data: Any) -> Any:
        follows = data.get("kind") == "validator" and data.get("supply", 1.0) > 1.5
        return {**data, "step": 3000.0} if follows else data

    @computed_field
    @property
    def load(self) -> float:
        return 3000.0 if self.kind == "computed" and self.supply > 1.5 else 1000.0


def switched(supply: float) -> float:
    return supply * 3000 / 4000 if supply > 1.5 else supply / 2


# kind -> what stands in the template, and the voltage at "a" with supply and other (ohm's law)
SOURCE = "Vsup s 0 dc {{ supply }}\n"
EQUAL = "R2 a 0 1000\n"
KINDS = {
    "plain": (SOURCE + EQUAL, lambda v, w: v / 2),
    "continued": ("Vsup s 0\n+ {{ supply }} ac 1\n" + EQUAL, lambda v, w: v / 2),
    "twice": (SOURCE + "R2 a 0 {{ 1000 * supply }}\n", lambda v, w: v * v / (1 + v)),
    "branch": (
        SOURCE + "{% if supply > 1.5 %}R2 a 0 3000{% else %}R2 a 0 1000{% endif %}\n",
        lambda v, w: switched(v),
    ),
    "second_source": (SOURCE + EQUAL + "V2 b 0 {{ supply }}\nR3 b a 1000\n", lambda v, w: 2 * v / 3),
    "square": ("Vsup s 0 dc {{ supply ** 2 }}\n" + EQUAL, lambda v, w: v * v / 2),
    "step": ("Vsup s 0 dc {{ 4 if supply > 1.5 else 1 }}\n" + EQUAL, lambda v, w: 2 if v > 1.5 else 0.5),
    "rounded": ("Vsup s 0 dc {{ supply | int }}\n" + EQUAL, lambda v, w: int(v) / 2),
    "param": (".param vs={{ supply }}\nVsup s 0 dc {vs}\nR2 a 0 {1000*vs}\n", lambda v, w: v * v / (1 + v)),
    "sum": (
        SOURCE
        + "{% if supply + other > 2.4 %}R2 a 0 3000{% else %}R2 a 0 1000{% endif %}\nVoth o 0 {{ other }}\n",
        lambda v, w: v * 0.75 if v + w > 2.4 else v / 2,
    ),
    "macro": (
        "{% macro one() %}{{ supply }}{% endmacro %}"
        + SOURCE
        + '{% if one() == "2.0" %}R2 a 0 3000{% else %}R2 a 0 1000{% endif %}\n',
        lambda v, w: v * 0.75 if v == 2 else v / 2,
    ),
    "include": ('{% include "part" %}\n', lambda v, w: switched(v)),
    "subcircuit": (
        ".subckt half x\nVsup x 0 dc {{ supply }}\n.ends\nX1 s half\nVsup t 0 1\n" + EQUAL,
        lambda v, w: v / 2,
    ),
    "pulse": ("Vsup s 0 PULSE(0 {{ supply }} 1n 1n 1n 5n 20n)\n" + EQUAL, lambda v, w: 0.0),
    "ac": ("Vsup s 0 dc 1 ac {{ supply }}\n" + EQUAL, lambda v, w: 0.5),
    "behavioural": (
        SOURCE + EQUAL + "B1 b 0 V=V(s)*{{ supply }}\nR3 b a 1000\n",
        lambda v, w: (v + v * v) / 3,
    ),
    "computed": (SOURCE + "R2 a 0 {{ load }}\n", lambda v, w: switched(v)),
    "validator": (SOURCE + "R2 a 0 {{ step }}\n", lambda v, w: switched(v)),
    "python": (SOURCE + "R2 a 0 {{ step }}\n", lambda v, w: switched(v)),
    "text": (SOURCE + EQUAL, lambda v, w: round(v, 1) / 2),
}


class _Divider(Bench):
    title: ClassVar[str] = "a divider of many kinds"
    Parameters: ClassVar[type[NetlistParameters]] = Parameters
    columns: ClassVar[dict[str, str]] = {"a": "V"}
    altered: ClassVar[dict[str, str]] = {"supply": "vsup"}
    folder: ClassVar[Path]

    def netlist(self, parameters: Parameters) -> Netlist:
        if parameters.kind == "python" and parameters.supply > 1.5:
            parameters = parameters.model_copy(update={"step": 3000.0})
        if parameters.kind == "text":
            parameters = parameters.model_copy(update={"supply": round(parameters.supply, 1)})
        return render(Template.from_file(self.folder / f"{parameters.kind}.cir.j2"), parameters)

    def analysis(self, parameters):
        return Op(save=("a",))

    def measure(self, parameters, waveforms):
        return pd.DataFrame({"a": waveforms["a"]})


@register
class Divider(_Divider):
    name: ClassVar[str] = "test_altered_kinds"


@register
class TwoSources(_Divider):
    name: ClassVar[str] = "test_altered_two"
    altered: ClassVar[dict[str, str]] = {"supply": "vsup", "other": "voth"}


@pytest.fixture(scope="module", autouse=True)
def templates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    for kind, (text, _) in KINDS.items():
        title, upper = f"* {kind}\n", f"R1 s a {UPPER}\n"
        (folder / f"{kind}.cir.j2").write_text(title + upper + text)
    (folder / "part.cir.j2").write_text(KINDS["branch"][0])
    _Divider.folder = folder
    return folder


def specification(bench: str, **sweep: Any) -> Any:
    return parse_specification({"campaign": {"bench": bench}, "sweep": sweep})


@pytest.mark.spice
def test_every_kind_of_altered_parameter_gives_what_its_netlist_says(tmp_path):
    asked = specification("test_altered_kinds", kind=list(KINDS), supply=list(SUPPLIES), other=[0.5, 1.0])
    result = run_campaign(asked, workers=2, store=tmp_path / "store.sqlite")
    assert not result.failed, result.failures[0]
    table = result.table
    right = [KINDS[str(row.kind)][1](row.supply, row.other) for row in table.itertuples()]
    assert table["a"].to_numpy() == pytest.approx(np.array(right), rel=1e-9, abs=1e-12)


def points(asked: Any) -> list[Any]:
    return list(Plan(asked, Environment("no ngspice at all"), "code"))


def circuits(found: list[Any]) -> int:
    return len({id(point.circuit) for point in found})


VOLTAGE = st.floats(0, 5).map(lambda value: round(value, 3))


@given(
    kind=st.sampled_from(sorted(KINDS)),
    bench=st.sampled_from(["test_altered_kinds", "test_altered_two"]),
    supplies=st.lists(VOLTAGE, min_size=1, max_size=3, unique=True),
    others=st.lists(VOLTAGE, min_size=1, max_size=3, unique=True),
)
def test_a_circuit_with_its_sources_altered_is_the_netlist_of_the_point(kind, bench, supplies, others):
    for point in points(specification(bench, kind=[kind], supply=supplies, other=others)):
        assert point.error is None
        text = point.circuit.netlist.text
        for source, value in point.altered:
            text = re.sub(rf"(?im)^({source} \w+ 0(?:\n\+)? (?:dc )?)\S+", rf"\g<1>{value!r}", text)
        wanted = point.circuit.bench.netlist(point.parameters).text
        assert re.sub(r"dc (\d+)\n", r"dc \1.0\n", text) == re.sub(r"dc (\d+)\n", r"dc \1.0\n", wanted)


@pytest.mark.parametrize("kind", ["plain", "continued"])
def test_values_of_a_source_share_one_circuit_that_is_rendered_twice(kind, monkeypatch):
    rendered = []
    run = template._run
    monkeypatch.setattr(template, "_run", lambda *given: rendered.append(given) or run(*given))
    voltages = [k / 100 for k in range(300)]
    found = points(specification("test_altered_kinds", kind=[kind], supply=voltages))
    assert circuits(found) == 1
    assert [point.altered for point in found] == [(("vsup", voltage),) for voltage in voltages]
    assert len(rendered) == 2


def test_an_altered_parameter_that_reaches_nothing_is_refused(templates):
    (templates / "nothing.cir.j2").write_text("* nothing\nVsup s 0 1\nR1 s a 1000\nR2 a 0 1000\n")
    at_default, other = points(specification("test_altered_kinds", kind=["nothing"], supply=[1.0, 2.0]))
    assert at_default.error is None
    assert "supply is declared to be the value of vsup" in str(other.error)


ALTERING = [bench for bench in benches() if bench.altered and type(bench).__module__.startswith("cimspice.")]


@pytest.mark.parametrize("bench", ALTERING, ids=lambda bench: bench.name)
def test_packaged_benches_keep_one_circuit_for_what_they_alter(bench):
    defaults = bench.Parameters()
    sweep = {name: [getattr(defaults, name), getattr(defaults, name) / 2 + 0.1] for name in bench.altered}
    found = list(Plan(specification(bench.name, **sweep), Environment.detect(), "code"))
    assert circuits(found) == 1
    assert all(point.error is None and len(point.altered) == len(bench.altered) for point in found)


def test_a_bench_that_dumps_its_parameters_makes_no_warning(monkeypatch, recwarn):
    import cluster_bench

    netlist = cluster_bench.SlowDivider.netlist

    def dumping(self, parameters):
        parameters.model_dump()
        return netlist(self, parameters)

    monkeypatch.setattr(cluster_bench.SlowDivider, "netlist", dumping)
    specification = parse_specification(
        {"campaign": {"bench": cluster_bench.SlowDivider.name}, "sweep": {"supply": [1.0, 2.0]}}
    )
    assert len(list(Plan(specification, Environment("no ngspice at all"), "code"))) == 2
    assert not [str(warning.message) for warning in recwarn]
