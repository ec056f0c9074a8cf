"""Codex: `.agents/skills` in a project, `~/.agents/skills` for a person.

Other clients read `.agents/skills` too. The listing names each skill's file besides its
description and is cut at about two percent of the context, 5,440 characters.
"""

from lignin.artifacts.client import Client

CLIENT = Client(
    name="codex",
    title="Codex",
    project_folder=".agents/skills",
    personal_folder=".agents/skills",
    listing_chars=5_440,
    description_chars=1_024,
    entry_format="- {name}: {description} (file: {path})\n",
    markers=(".codex", ".agents", "AGENTS.md"),
    command="codex",
)
