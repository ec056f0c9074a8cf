"""Corpora by which parts of Lignin are measured."""
