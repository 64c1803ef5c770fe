"""Benches of crossbars."""
