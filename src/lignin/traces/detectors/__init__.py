"""Ways to see that a run failed; one file each, found by a scan. Pure."""
