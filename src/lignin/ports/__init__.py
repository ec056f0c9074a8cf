"""One protocol per file: what the services need from the outside."""
