"""Benches of columns read by comparators."""
