"""Failure modes: signatures of failed runs, their clusters, what is to blame. Pure but `service`."""
