"""The life of an artifact: capture, verify, promote, serve, revoke."""
