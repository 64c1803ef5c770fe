"""Benches of the 6T SRAM array."""
