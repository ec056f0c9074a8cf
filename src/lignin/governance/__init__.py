"""What may leave a sandbox, and with which credentials."""
