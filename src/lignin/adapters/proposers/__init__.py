"""Who proposes changes: a language model, the user's coding agent, a person."""
