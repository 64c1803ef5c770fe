"""Circuits and what is measured on them."""

from cimspice.bench.bench import Bench, bench, benches, register

__all__ = ["Bench", "bench", "benches", "register"]
