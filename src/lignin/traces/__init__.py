"""Normalising foreign traces and reading what is in them."""
