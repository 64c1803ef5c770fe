"""The spiking neuron emulated, vectorised over a batch."""
