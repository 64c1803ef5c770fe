"""Commands of crossbars."""
