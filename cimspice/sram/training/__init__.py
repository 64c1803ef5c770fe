"""Training for the 6T SRAM array."""
