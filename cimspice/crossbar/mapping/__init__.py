"""Trained weights to what is programmed into crossbars, and back."""
