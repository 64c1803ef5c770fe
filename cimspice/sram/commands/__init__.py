"""Commands of the 6T SRAM array."""
