"""Crossbars emulated, vectorised over a batch."""
