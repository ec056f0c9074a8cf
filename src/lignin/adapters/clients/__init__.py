"""Coding agents that are installed as commands."""
