"""Figures and tables of the spiking neuron."""
