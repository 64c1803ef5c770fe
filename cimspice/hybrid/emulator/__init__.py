"""Columns read by comparators, emulated over batch and chips."""
