"""What is measured beside ours, each in a hash-locked environment of its own."""
