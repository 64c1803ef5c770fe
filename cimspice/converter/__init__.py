"""Converters and comparators: circuits, models."""
