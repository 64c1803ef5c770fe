"""A family of circuits as another package brings it: the 1T1C cell of an embedded DRAM, file by file."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "edram/__init__.py": '"""1T1C cells of an embedded DRAM."""\n',
    "edram/circuit/__init__.py": "",
    "edram/model/__init__.py": "",
    "edram/emulator/__init__.py": "",
    "edram/netlists/share.cir.j2": """\
* A 1T1C cell shares its charge with a bit line
.ic v(storage)={{ stored_voltage }} v(bit_line)={{ bit_line_voltage }}
Vword word_line 0 pulse(0 {{ word_line_voltage }} 1n 0.1n 0.1n 1)
Xaccess bit_line word_line storage 0 sky130_fd_pr__nfet_01v8 w=0.42 l=0.15
Cstorage storage 0 {{ storage_capacitance }}
Cline bit_line 0 {{ line_capacitance }}
""",
    "edram/characterize/edram_sharing.toml": """\
[campaign]
bench = "edram_share"

[sweep]
stored_voltage = [0.0, 0.3, 0.6, 0.9, 1.2]

[[fit]]
model = "edram_sharing"

[[figure]]
x = "stored_voltage"
y = "change"
""",
    "edram/circuit/share.py": '''\
"""What a cell puts onto its bit line."""

from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench import Bench, register
from cimspice.netlist import Netlist, NetlistParameters, Template, quantity, render
from cimspice.spice import Tran

TEMPLATE = Template.from_file(Path(__file__).parent.parent / "netlists" / "share.cir.j2")


class ShareParameters(NetlistParameters):
    stored_voltage: Annotated[float, quantity("V", ge=0, le=1.8)] = 1.2
    bit_line_voltage: Annotated[float, quantity("V", ge=0, le=1.8)] = 0.6
    word_line_voltage: Annotated[float, quantity("V", ge=0, le=3)] = 2.6
    storage_capacitance: Annotated[float, quantity("F", gt=0)] = 60e-15
    line_capacitance: Annotated[float, quantity("F", gt=0)] = 300e-15


@register
class Share(Bench):
    """Bit line before and after the word line opens."""

    name: ClassVar[str] = "edram_share"
    title: ClassVar[str] = "charge that a 1T1C cell shares with its bit line"
    Parameters: ClassVar[type[NetlistParameters]] = ShareParameters
    columns: ClassVar[dict[str, str]] = {"difference": "V", "change": "V"}

    def netlist(self, parameters: ShareParameters) -> Netlist:
        return render(TEMPLATE, parameters)

    def analysis(self, parameters: ShareParameters) -> Tran:
        return Tran(1e-11, 20e-9, uic=True, save=("bit_line",))

    def measure(self, parameters, waveforms):
        change = waveforms["bit_line"][-1] - parameters.bit_line_voltage
        difference = parameters.stored_voltage - parameters.bit_line_voltage
        return pd.DataFrame({"difference": [difference], "change": [change]})
''',
    "edram/model/sharing.py": '''\
"""Charge sharing: the bit line moves by a share of the difference to the stored voltage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cimspice.fit import Column, Fit, Model, Ranges, TableSchema, register, solve_linear

SHARING = TableSchema(
    "sharing",
    {"difference": Column(unit="V", low=-5, high=5), "change": Column(unit="V", coordinate=False)},
)


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Sharing(Model):
    """change = share difference + feedthrough."""

    kind: ClassVar[str] = "edram_sharing"
    schema: ClassVar[TableSchema] = SHARING
    parameter_units: ClassVar[Mapping[str, str]] = {"share": "1", "feedthrough": "V"}
    share: float
    feedthrough: float

    def change(self, difference):
        self._check(difference=difference)
        return self.share * np.asarray(difference) + self.feedthrough

    def gradient(self, difference):
        return np.stack([np.asarray(difference), np.ones(np.shape(difference))])

    @classmethod
    def fit(cls, table, *, corner=None, temperature=None):
        rows = SHARING.rows(table)
        volts, change = rows["difference"].to_numpy(), rows["change"].to_numpy()
        design = np.stack([volts, np.ones(len(volts))], axis=1)
        solution = solve_linear(design, change, names=["share", "feedthrough"])
        seen = Ranges.seen({"difference": "V"}, difference=volts)
        model = cls(share=float(solution.values[0]), feedthrough=float(solution.values[1]), ranges=seen)
        full = float(abs(change).max())
        return Fit.assemble(
            model, solution, full_scale=full, full_scale_name="largest change", unit="V", table=table
        )
''',
    "edram/emulator/layer.py": '''\
"""A row of cells read onto bit lines."""

from dataclasses import dataclass

import numpy as np

from edram.model.sharing import Sharing


@dataclass(frozen=True)
class EdramLayer:
    """Stored voltages (batch, columns) to bit lines (batch, columns), V."""

    sharing: Sharing
    bit_line_voltage: float = 0.6

    def __call__(self, stored):
        return self.bit_line_voltage + self.sharing.change(np.asarray(stored) - self.bit_line_voltage)
''',
    "edram/family.py": '''\
"""The family's card, and its layer from a card."""

from cimspice.bench import bench
from cimspice.campaign import run_bench
from cimspice.fit import Card, CardConditions, ModelCard
from edram.emulator.layer import EdramLayer
from edram.model.sharing import Sharing

STORED = (0.0, 0.3, 0.6, 0.9, 1.2)


def characterise(conditions, *, storage_capacitance=60e-15, jobs=None, store=None, progress=None):
    given = {"storage_capacitance": storage_capacitance}
    table = run_bench("edram_share", given, conditions, sweep={"stored_voltage": STORED}, store=store)
    model = ModelCard.from_fit(Sharing.fit(table), {"bench": bench("edram_share").name})
    own = CardConditions(corner=conditions.corner, temperature=conditions.temperature)
    return Card(family="edram", conditions=own, parts={"sharing": model.part()})


def check(card):
    layer(card)


def layer(card):
    return EdramLayer(ModelCard.of_part(card.part("sharing")).model_of(Sharing))
''',
    "edram/commands.py": '''\
"""``cimspice validate edram``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cimspice.screen.output import JsonFlag, console, print_json

GROUPS = {"validate": typer.Typer()}


@GROUPS["validate"].command("edram")
def edram(card: Annotated[Path, typer.Option()], json: JsonFlag = False) -> None:
    """The layer of a card against ngspice, at voltages that it was not fitted to."""
    from cimspice.campaign import run_bench
    from cimspice.families import read_card
    from edram.family import layer

    stored = np.array([0.15, 0.5, 1.05])
    emulated = layer(read_card(card, "edram"))(stored)
    table = run_bench("edram_share", [{"stored_voltage": float(each)} for each in stored])
    error = float(np.abs(emulated - 0.6 - table["change"].to_numpy()).max())
    print_json({"error": error}) if json else console().print(f"error {error:.3g} V")
''',
    "edram-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: edram\nVersion: 1\n",
    "edram-1.dist-info/entry_points.txt": "[cimspice.families]\nedram = edram\n",
}


def install(folder: Path) -> Path:
    """The package in a folder, as an installer would leave it; put it on ``PYTHONPATH``."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder
