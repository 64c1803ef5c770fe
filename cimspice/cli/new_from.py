"""A bench of a user's own circuit: what ``cimspice new bench NAME --from FILE.spice`` writes."""

import keyword
import re
from collections.abc import Iterable
from pathlib import Path

from cimspice.bench.schematic import Schematic
from cimspice.errors import ParameterError

_SUPPLY, _INPUT = 1.8, 0.9  # volt


def bench_files(name: str, schematic: Schematic, source: Path) -> list[str]:
    """Texts of template, bench, campaign and test: the operating point of the subcircuit, its supplies and
    inputs driven by sources, its outputs and the currents of the supplies measured.

    ParameterError if there is nothing to measure, or names cannot be distinguished.
    """
    top = schematic.top
    driven = dict.fromkeys(top.having("supply"), _SUPPLY) | dict.fromkeys(top.having("input"), _INPUT)
    driven = {port: driven[port] for port in top.ports if port in driven}
    nodes = {port: "0" if top.directions[port] == "ground" else _word(port) for port in top.ports}
    given = {_word(key): value for key, value in (schematic.parameters | top.parameters).items()}
    voltages = [f"{nodes[port]}_voltage" for port in driven]
    outputs = {f"{nodes[port]}_voltage": nodes[port] for port in top.having("output")}
    supplies = {f"{nodes[port]}_current": nodes[port] for port in top.having("supply")}
    _require(name, [*(node for node in nodes.values() if node != "0"), *given, *voltages, *outputs], source)
    if not {**outputs, **supplies}:
        raise ParameterError(
            "a circuit without outputs and supplies: nothing could be measured", place=str(source),
            remedy=f"its ports are {', '.join(top.ports)}: call supplies vdd, grounds vss, or add pins",
        )  # fmt: skip
    settings = {key: _word(key) for key in top.parameters}
    title = "".join(part.capitalize() for part in name.split("_"))
    template = [
        f"* {name}: {top.name} of {_plain(source.name)}",
        *(f"v{nodes[port]} {nodes[port]} 0 dc {{{{ {nodes[port]}_voltage }}}}" for port in driven),
        " ".join(
            ["xdut", *nodes.values(), top.name, *(f"{key}={{{{ {own} }}}}" for key, own in settings.items())]
        ),
        *(f".param {key}={{{{ {_word(key)} }}}}" for key in schematic.parameters),
        schematic.text,
    ]
    fields = [
        f'    {column}: Annotated[float, quantity("V", ge=-10, le=10)] = {value!r}'
        for column, value in zip(voltages, driven.values(), strict=True)
    ]
    fields += [f'    {key}: Annotated[float, quantity("1")] = {value!r}' for key, value in given.items()]
    columns = dict.fromkeys(outputs, "V") | dict.fromkeys(supplies, "A")
    values = {column: f'waveforms["{node}"]' for column, node in outputs.items()}
    values |= {column: f'-waveforms["v{node}#branch"]' for column, node in supplies.items()}
    save = [*outputs.values(), *(f"v{node}#branch" for node in supplies.values())]
    altered = {column: f"v{column.removesuffix('_voltage')}" for column in voltages}
    bench = _BENCH.format(
        name=name,
        title=title,
        circuit=top.name,
        source=_plain(source.name),
        fields="\n".join(fields) or "    pass",
        columns=_mapping(columns),
        altered=_mapping(altered),
        save=", ".join(f'"{vector}"' for vector in save) + ("," if len(save) == 1 else ""),
        values="".join(f'\n                "{column}": {value},' for column, value in values.items()),
    )
    swept = next((f"{nodes[port]}_voltage" for port in top.having("input")), next(iter(voltages), None))
    campaign = _campaign(name, swept, next(iter(columns)))
    first = swept or ""
    test = _TEST.format(name=name, sweep=f'{{"{first}": [0.0, 0.9, 1.8]}}' if first else "{}")
    return ["\n".join(template), bench, campaign, test]


def _word(text: str) -> str:
    """A port's or parameter's name as Python and ngspice both take it."""
    word = re.sub(r"\W", "_", text.lower(), flags=re.ASCII).strip("_") or "node"
    word = word if word[0].isalpha() else f"n{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text, flags=re.ASCII)


def _mapping(entries: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{key}": "{value}"' for key, value in entries.items()) + "}"


def _require(name: str, words: Iterable[str], source: Path) -> None:
    """Names that mean two things would give wrong figures."""
    listed = list(words)
    twice = sorted({word for word in listed if listed.count(word) > 1})
    if twice:
        raise ParameterError(
            f"{', '.join(twice)} would be the name of two things in bench {name}", place=str(source),
            remedy="rename a port or parameter: capitals and special characters distinguish none",
        )  # fmt: skip


def _campaign(name: str, swept: str | None, column: str) -> str:
    lines = [
        f"# Run it: cimspice characterize {name}.toml --import {name}_bench.py",
        "",
        "[campaign]",
        f'bench = "{name}"',
        "",
        "[sweep]",
        *([f"{swept} = {{start = 0, stop = 1.8, step = 0.05}}   # V"] if swept else []),
        'corners = ["tt"]',
        "temperatures = [27]   # degrees Celsius",
    ]
    if swept:
        lines += ["", "[[figure]]", 'name = "transfer"', f'x = "{swept}"', f'y = "{column}"']
    return "\n".join(lines) + "\n"


_BENCH = '''"""Bench {name}: the operating point of {circuit}, from {source}."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, Template, quantity, render
from cimspice.spice import Op, Waveforms

FOLDER = Path(__file__).resolve().parent


class {title}Parameters(NetlistParameters):
    """Voltages of the sources on supplies and inputs, and the circuit's own parameters."""

{fields}


@register
class {title}(Bench):
    """Voltages of the outputs, currents drawn from the supplies."""

    name: ClassVar[str] = "{name}"
    title: ClassVar[str] = "operating point of {circuit}"
    Parameters: ClassVar[type[NetlistParameters]] = {title}Parameters
    columns: ClassVar[dict[str, str]] = {columns}
    # These are nothing but values of sources: points that differ in them share one loaded circuit.
    altered: ClassVar[dict[str, str]] = {altered}

    def netlist(self, parameters: {title}Parameters) -> Netlist:
        return render(Template.from_file(FOLDER / "{name}.cir.j2"), parameters)

    def analysis(self, parameters: {title}Parameters) -> Op:
        return Op(save=({save}))

    def measure(self, parameters: {title}Parameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame(
            {{{values}
            }}
        )
'''

_TEST = '''"""Run with: python -m pytest"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

import {name}_bench  # noqa: E402, F401 (the import makes the bench known)

from cimspice.campaign import read_specification, run_bench  # noqa: E402 (the path comes first)


def test_every_operating_point_is_found():
    table = run_bench("{name}", sweep={sweep}, workers=1)
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


def test_campaign_file_is_valid():
    assert read_specification(FOLDER / "{name}.toml").points > 0
'''
