"""The session log: append, slice, wake, fork, replay."""
