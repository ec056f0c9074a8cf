"""What the broker reaches the outside with: transport, vault, bindings."""
