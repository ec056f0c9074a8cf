"""One suite per port: every adapter and its fake must pass it."""
