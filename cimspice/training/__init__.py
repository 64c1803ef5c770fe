"""Data sets, optimisers and plain networks for training; it knows no family of circuits."""

from cimspice.training.datasets import SpikeSplit, digits, iris

__all__ = ["SpikeSplit", "digits", "iris"]
