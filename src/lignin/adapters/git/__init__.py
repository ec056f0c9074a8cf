"""The user's repositories, by the command line of git."""
