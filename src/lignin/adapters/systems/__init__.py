"""Systems under test: command lines, in the sandbox or not, and Python functions."""
