"""Projections of the operations: the command line now, other surfaces later. No logic of their own."""
