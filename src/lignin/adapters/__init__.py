"""Implementations of the ports. Strangers to each other; only `app` picks them."""
