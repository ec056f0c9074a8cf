"""Frozen types and laws. Standard library, pydantic and rfc8785 only; no I/O."""
