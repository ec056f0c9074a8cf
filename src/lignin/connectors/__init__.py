"""What came in through connectors and what was sent: taken once, sent at most once."""
