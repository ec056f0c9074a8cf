"""Judges: a program of the user, or a language model."""
