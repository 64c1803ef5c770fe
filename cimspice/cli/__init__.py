"""The command line: ``cimspice --help``."""

from cimspice.cli.app import main

__all__ = ["main"]
