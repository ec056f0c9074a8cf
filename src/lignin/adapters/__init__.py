"""Implementations of the ports. Strangers to each other; only the composition root knows them."""
