"""Trained weights to the cells of crossbars whose columns are read by comparators."""
