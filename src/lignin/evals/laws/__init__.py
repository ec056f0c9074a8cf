"""The gate's statistics and rules: pure, so that a decision can be made again from its record."""
