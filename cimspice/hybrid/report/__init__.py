"""Figures of columns read by comparators."""
