"""The command line: ``cimspice --help``."""

import os

# The matrices here are small: a second BLAS thread waits more than it computes (a fit of 3 s took 8 s beside
# two busy workers). It must be set before numpy is first imported; a user's own setting stands.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Figures go to files: a notebook's own backend, which its shell commands inherit, may not even be there.
os.environ["MPLBACKEND"] = "agg"

from cimspice.cli.app import main

__all__ = ["main"]
