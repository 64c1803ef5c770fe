"""Make the pictures of these pages anew, each by the command that its page names: ``make figures``.

``python docs/images/renew.py PICTURE ...`` makes some of them alone. All take about an hour of one processor;
finished points are in the store and not simulated again. Look at every picture before it is committed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
LIMITS_MISSED = 3  # exit code of a campaign whose points are all done
PICTURES = {
    "transistor_iv.png": ("characterize transistor_iv", "figures/transfer_curves.png"),
    "neuron_synapse_n.png": ("characterize neuron_synapse_n", "figures/output_curves_log.png"),
    "neuron_discharger.png": ("characterize neuron_discharger", "figures/output_curves.png"),
    "sram_multiplier.png": ("characterize sram_multiplier", "figures/transfer.png"),
    "rram_cycle.png": ("characterize rram_cycle", "figures/loop.png"),
    "rram_read_iv.png": ("characterize rram_read_iv", "figures/read_curves.png"),
    "crossbar_settling.png": ("characterize crossbar_settling", "figures/settling.png"),
    "sram_read_margin.png": ("characterize sram_snm", "figures/read.png"),
    "sram_n_curve.png": ("characterize sram_n_curve_points", "figures/n_curve.png"),
    "sram_retention.png": ("characterize sram_retention", "figures/retention.png"),
    "membranes.png": ("demo neuron", "membranes.png"),
    "spike_times.png": ("validate iris --samples 50", "spike_times.png"),
    "error_budget.png": ("validate iris --samples 50", "error_budget.png"),
    "reversal_sweep.png": ("train neuron --sweep-reversal", "reversal_sweep.png"),
    "chip_yield.png": ("train neuron --chips 200", "chip_yield.png"),
    "crossbar-accuracy.png": ("validate crossbar", "crossbar_accuracy.png"),
    "programming-front.png": ("program --sweep", "front.png"),
    "programming-life.png": ("program --life", "life.png"),
}
"""Picture: arguments of ``cimspice``, and the file of its output folder."""
BENCHMARKS = {"adaptive_saving.png": "benchmarks/adaptive.py"}
"""Picture: the benchmark that draws it with ``--output``."""


def main(wanted: list[str]) -> None:
    names = wanted or [*PICTURES, *BENCHMARKS]
    unknown = [name for name in names if name not in PICTURES | BENCHMARKS]
    if unknown:
        sys.exit(f"no such picture: {', '.join(unknown)}; there are {', '.join(PICTURES | BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as scratch:
        for command in dict.fromkeys(PICTURES[name][0] for name in names if name in PICTURES):
            output = Path(scratch) / command.replace(" ", "_")
            _run("-m", "cimspice", *command.split(), "--output", str(output))
            for name in names:
                if name in PICTURES and PICTURES[name][0] == command:
                    with Image.open(output / PICTURES[name][1]) as picture:  # 64 colours: a third of the size
                        picture.convert("RGB").quantize(64).save(HERE / name, optimize=True)
        for name in names:
            if name in BENCHMARKS:
                _run(BENCHMARKS[name], "--output", str(HERE / name))


def _run(*words: str) -> None:
    print("figures:", *words, flush=True)
    code = subprocess.run([sys.executable, *words], cwd=HERE.parents[1]).returncode
    if code not in (0, LIMITS_MISSED):
        sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
