"""Commands of the spiking neuron."""
