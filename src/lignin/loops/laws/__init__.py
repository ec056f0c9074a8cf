"""What is decided about loops. Pure."""
