"""Which campaigns give the tables of the spiking neuron."""
