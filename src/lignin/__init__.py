"""Lignin: a life for the code that agents write.

Importing the package does nothing: no I/O, no folders, no logging set-up, no registry.
"""

__version__ = "0.1.0"
