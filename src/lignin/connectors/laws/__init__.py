"""Decisions about what comes in and goes out, pure."""
