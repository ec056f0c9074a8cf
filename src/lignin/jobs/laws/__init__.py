"""Pure rules about jobs."""
