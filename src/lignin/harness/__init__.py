"""Heads, revisions, proposals; the compare-and-swap."""
