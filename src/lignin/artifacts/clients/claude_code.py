"""Claude Code: `.claude/skills` in a project, `~/.claude/skills` for a person.

The listing has one percent of the context, 8,000 characters at 200,000 tokens, over which the
client drops descriptions without a word; a description is shown up to 1,536 characters.
"""

from lignin.artifacts.client import Client

CLIENT = Client(
    name="claude-code",
    title="Claude Code",
    project_folder=".claude/skills",
    personal_folder=".claude/skills",
    listing_chars=8_000,
    description_chars=1_536,
    entry_format="- {name}: {description}\n",
    markers=(".claude", "CLAUDE.md", ".mcp.json"),
    command="claude",
)
