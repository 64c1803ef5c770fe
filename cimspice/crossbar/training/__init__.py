"""Training for crossbars."""
