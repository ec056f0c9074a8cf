"""Fakes of the ports, one file per port."""
