"""cimspice: circuit-level SPICE co-simulation for compute-in-memory."""

__version__ = "0.1.0"
