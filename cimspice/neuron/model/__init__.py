"""Table models of the spiking neuron's circuit: synapse, membrane, read-out, and the card that holds them."""
