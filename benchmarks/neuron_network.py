"""How quick one transient of the whole 5-5-5 network is, and what each setting costs in accuracy.

One random programming and a few samples are simulated under several settings; the first, much tighter than
any other, is the reference. Prints CPU seconds per sample, the ratio to the reference and the largest and rms
difference of spike times. ``--json`` prints the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.neuron.circuit.network import (
    OPTIONS,
    LayerProgramming,
    NetworkParameters,
    network_analysis,
    network_netlist,
    read_network,
)
from cimspice.pdk import flatten_models
from cimspice.spice import Pool, Session, SolverOptions


@dataclass(frozen=True)
class Setting:
    """One way to run the transient; ``steps`` is the least number of time steps in a phase."""

    name: str
    options: SolverOptions
    steps: int = 400
    flat: bool = True
    body_network: bool = True


@dataclass(frozen=True)
class _Text:
    text: str


SETTINGS = (
    Setting("reference", SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-8, chgtol=1e-18), 1000),
    Setting("default of cimspice", OPTIONS),
    Setting("as default, one subcircuit per transistor", OPTIONS, flat=False),
    Setting("as default, 200 steps a phase", OPTIONS, 200),
    Setting("as default, gear", replace(OPTIONS, method="gear")),
    Setting("as default, no body resistors", OPTIONS, body_network=False),
    Setting("reltol 1e-3, chgtol 1e-16", SolverOptions(reltol=1e-3, chgtol=1e-16)),
    Setting("ngspice's own tolerances", SolverOptions()),
)


def samples(count: int) -> list[NetworkParameters]:
    """One random programming, ``count`` random inputs."""
    rng = np.random.default_rng(0)

    def layer() -> LayerProgramming:
        polarity = np.where(rng.random((5, 5)) < 0.55, 1, -1)
        program = np.where(polarity > 0, rng.uniform(0.42, 0.55, (5, 5)), rng.uniform(1.08, 1.25, (5, 5)))
        return LayerProgramming(ramp_bias=0.5506, polarity=polarity.tolist(), program=program.tolist())

    layers = (layer(), layer())
    return [NetworkParameters(programming=layers, spikes=tuple(rng.random(5).tolist())) for _ in range(count)]


def simulate(session: Session, item: tuple[Setting, NetworkParameters]) -> tuple[np.ndarray, float]:
    """Spike times of both layers (s), shape (10,), and CPU seconds with loading."""
    setting, parameters = item
    began = time.process_time()
    netlist = network_netlist(parameters)
    analysis = replace(network_analysis(parameters), max_step=parameters.circuit.phase / setting.steps)
    if setting.body_network:
        session.load(netlist, options=setting.options, flat=setting.flat)
    else:
        text, models = flatten_models(netlist.text, body_network=False)
        session.load(_Text(text), options=setting.options, models=models.text)
    run = read_network(parameters, session.run(analysis))
    return np.concatenate(run.spikes), time.process_time() - began


def measure(count: int) -> list[dict[str, Any]]:
    """Rows of the table, one per setting."""
    inputs = samples(count)
    items = [(setting, parameters) for parameters in inputs for setting in SETTINGS]
    with Pool(workers=1) as pool:
        results = list(pool.map(simulate, items))
    rows, reference, reference_seconds = [], np.zeros(0), 0.0
    for index, setting in enumerate(SETTINGS):
        times = np.array([result[0] for result in results[index :: len(SETTINGS)]])
        seconds = float(np.mean([result[1] for result in results[index :: len(SETTINGS)]]))
        if index == 0:
            reference, reference_seconds = times, seconds
        difference = (times - reference) * 1e9
        rows.append(
            {
                "setting": setting.name,
                "cpu_seconds_per_sample": seconds,
                "ratio": reference_seconds / seconds,
                "rms_difference_ns": float(np.sqrt(np.mean(difference**2))),
                "largest_difference_ns": float(np.abs(difference).max()),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure(arguments.samples)
    if arguments.json:
        json.dump({"settings": rows, "samples": arguments.samples}, sys.stdout, indent=2)
        print()
        return
    print(f"{'setting':45s} {'CPU s':>7s} {'ratio':>6s} {'rms ns':>8s} {'largest ns':>11s}")
    for row in rows:
        print(
            f"{row['setting']:45s} {row['cpu_seconds_per_sample']:7.2f} {row['ratio']:6.2f} "
            f"{row['rms_difference_ns']:8.3f} {row['largest_difference_ns']:11.3f}"
        )


if __name__ == "__main__":
    main()
