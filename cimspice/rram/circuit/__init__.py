"""Benches of resistive memories."""
