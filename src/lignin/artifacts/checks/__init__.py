"""One file per check, each with a `CHECK` whose `judge` is pure; scanned once at start."""
