"""Trained weights to what is programmed into the 6T SRAM array, and back."""
