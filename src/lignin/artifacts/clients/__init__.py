"""One file per agent client: where it looks for skills and what it accepts there."""
