"""A campaign that is killed at random moments loses nothing, repeats nothing, and ends with the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "campaign_kill.py"


@pytest.mark.spice
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_six_kills_at_random_moments_change_nothing():
    words = [sys.executable, str(SCRIPT), "--json", "--kills", "6", "--points", "60", "--seed", "4"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout, done.stderr
    reported = json.loads(done.stdout)
    assert sum(reported["kills"].values()) >= 6
    assert min(reported["kills"].values()) >= 1, "every kind of death"
    assert reported["campaigns"] >= 1
    counts = ("lost", "run_twice", "without_waveforms", "different", "orphans", "silent")
    assert {name: reported[name] for name in counts} == dict.fromkeys(counts, 0)
    assert done.returncode == 0
