"""Circuits and what is measured on them."""

from cimspice.circuits.bench import Bench, bench, benches, register

__all__ = ["Bench", "bench", "benches", "register"]
