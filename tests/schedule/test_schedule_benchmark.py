"""The benchmark runs, and at full size the schedule equals a plain loop and a simulation of processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "schedule.py"


def test_a_network_at_full_size_takes_the_steps_of_a_plain_loop_and_of_simpy():
    words = [str(SCRIPT), "--network", "resnet50", "--extra", "16", "--repeats", "1", "--json"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["resnet50"]  # it ends with an error where the three differ
    assert found["steps"] == 3483
    assert {"schedule_cpu_seconds", "vs_simpy", "vs_loop"} <= found.keys()
