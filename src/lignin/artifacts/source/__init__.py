"""Reading source text without running it: what kinds and laws need to know about code."""
