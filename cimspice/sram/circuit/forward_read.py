"""The beginning of a forward pass: until its lines are read, and until its converter has sampled."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import at
from cimspice.netlist import NetlistParameters
from cimspice.spice import Tran, Waveforms
from cimspice.sram.circuit.passes import ForwardParameters, ForwardPass, flipped


@register
class ForwardRead(ForwardPass):
    """One row per column. The whole circuit of the pass, at the same steps of time, until lines are read."""

    name: ClassVar[str] = "sram_forward_read"
    title: ClassVar[str] = (
        "discharges of a neuron's forward pass: SRAM columns with multipliers and converter"
    )
    Parameters: ClassVar[type[NetlistParameters]] = ForwardParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "bit_line_discharge": "V",
        "bit_line_bar_discharge": "V",
    }

    def analysis(self, parameters: ForwardParameters) -> Tran:
        columns, step = range(parameters.array.simulated_columns), parameters.time_step
        stop = max(1.05 * parameters.read_time, 110 * step)  # a shorter one would begin with shorter steps
        nodes = tuple(f"{line}{column}_0" for line in "bc" for column in columns)
        return Tran(step, stop, max_step=step, save=nodes)

    def measure(self, parameters: ForwardParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply, read = parameters.array.supply_voltage, parameters.read_time
        return pd.DataFrame([
            {
                "column": column,
                "bit_line_discharge": supply - at(waveforms, f"b{column}_0", read),
                "bit_line_bar_discharge": supply - at(waveforms, f"c{column}_0", read),
            }
            for column in range(parameters.array.simulated_columns)
        ])  # fmt: skip


@register
class ForwardSampling(ForwardPass):
    """One row per column. The whole circuit of the pass, at the same steps of time, until the converter has
    sampled the rails: its columns are cut off then, and the conversion is one of the converter alone."""

    name: ClassVar[str] = "sram_forward_sampling"
    title: ClassVar[str] = "a neuron's forward pass until the converter has sampled its rails"
    Parameters: ClassVar[type[NetlistParameters]] = ForwardParameters
    columns: ClassVar[dict[str, str]] = {
        "column": "",
        "output": "V",
        "output_bar": "V",
        "sampled_difference": "V",
        "sampled_drop": "V",
        "flipped": "",
    }

    def analysis(self, parameters: ForwardParameters) -> Tran:
        step, save = parameters.time_step, super().analysis(parameters).save
        return Tran(step, parameters.sampled, max_step=step, save=save)

    def measure(self, parameters: ForwardParameters, waveforms: Waveforms) -> pd.DataFrame:
        supply = parameters.array.supply_voltage
        tops = [at(waveforms, name, parameters.held) for name in ("top", "top_bar")]
        columns = range(parameters.array.simulated_columns)
        return pd.DataFrame({
            "column": list(columns),
            **{name: [supply - at(waveforms, f"{node}{column}", parameters.done) for column in columns]
               for name, node in (("output", "second"), ("output_bar", "second_bar"))},
            "sampled_difference": tops[0] - tops[1],
            "sampled_drop": supply - sum(tops) / 2,
            "flipped": float(flipped(parameters, waveforms)),
        })  # fmt: skip
