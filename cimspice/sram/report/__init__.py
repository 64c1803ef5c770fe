"""Figures and tables of the 6T SRAM array."""
