"""Cases, and how an attempt at one is judged."""
