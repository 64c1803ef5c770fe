"""Figures and tables of crossbars."""
