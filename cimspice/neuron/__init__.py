"""The SKY130 spiking neuron (Sakemi et al., arXiv 2412.09010)."""
