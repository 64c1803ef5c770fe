"""The benchmark's table holds the keys that scripts read, and its errors are of the size they must be."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "spiking_layer.py"


def test_benchmark_prints_its_json_for_a_small_layer():
    command = [sys.executable, SCRIPT, "--json", "--size", "60", "--batch", "5", "--repeats", "1"]
    table = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for method in ("exact", "exact_numpy", "dstd", "dstd_third_order"):
        assert {"seconds", "mebibytes", "relative_error"} <= set(table[method])
        assert table[method]["mebibytes"] > 0
    assert table["gemm"]["seconds"] > 0
    assert table["exact"]["relative_error"] < 1e-13
    assert 1e-6 < table["dstd_third_order"]["relative_error"] < table["dstd"]["relative_error"] < 0.05
    assert table["blas"][0].endswith("1 thread")
    backward = table["backward"]
    assert backward["gemms"] > 0
    assert backward["mebibytes"] > 0
    assert 1e-9 < backward["relative_error"] < 0.05
    assert (backward["memory_ratio"] is None) == (backward["torch_mebibytes"] is None)
