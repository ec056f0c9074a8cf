"""Loops: what goes on without anybody watching, as data and decisions."""
