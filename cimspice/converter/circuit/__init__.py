"""Benches of comparators and converters."""
