"""A worker never outlives its parent, whatever it is doing when the parent is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from processes import alive, within

pytestmark = [
    pytest.mark.spice,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc"),
]

PROGRAM = """
    import os, sys, time
    from pathlib import Path

    def report():
        Path(sys.argv[1], f"{os.getpid()}").touch()

    if __name__ != "__main__" and sys.argv[2] == "imports":
        report()
        time.sleep(600)

    def hang(session, item):
        from spice_circuits import IMPOSSIBLE
        from cimspice.spice import Op
        session.load(IMPOSSIBLE)
        report()
        session.run(Op())

    if __name__ == "__main__":
        from cimspice.spice import Pool
        with Pool(1) as pool:
            list(pool.map(hang, [0]))
"""


@pytest.mark.parametrize("busy_with", ["imports", "ngspice"])
def test_a_busy_worker_ends_with_its_killed_parent_and_leaves_no_files(busy_with, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    reported = tmp_path / "reported"
    reported.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TMPDIR": str(temporary)}
    program = subprocess.Popen([sys.executable, str(script), str(reported), busy_with], env=environment)
    try:
        assert within(60, lambda: any(reported.iterdir()))
        (worker,) = [int(entry.name) for entry in reported.iterdir()]
        assert alive(worker)
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    assert within(10, lambda: not alive(worker))
    assert not list(temporary.iterdir()), "what the killed one could not remove is gone too"
