"""The SKY130 spiking neuron (Sakemi et al., arXiv 2412.09010): cells, benches and the whole network."""
