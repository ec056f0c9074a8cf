"""One file per artifact kind, each with a `KIND`; scanned once at start."""
