"""A plugin of Claude Code and of Codex with what `init` would put into a project. Pure: files as bytes.

One folder serves both: it is a marketplace of either, and its one plugin has a manifest for each beside the
shared server and skills. Hooks differ by the client's name, so each has a file of its own.
"""

import json
from collections.abc import Mapping

from lignin.artifacts.clients.claude_code import EVENTS as CLAUDE_EVENTS
from lignin.artifacts.clients.codex import EVENTS as CODEX_EVENTS
from lignin.artifacts.projects.place import INSTRUCTIONS, Launch, hook_settings
from lignin.domain.codec import Json

NAME = "lignin"
ROOT = f"plugins/{NAME}"
SKILLS = f"{ROOT}/skills"
MARKETPLACE = ".claude-plugin/marketplace.json"
DESCRIPTION = "Proven code, skills and lessons of your agents, kept by Lignin on this machine."
_GUIDE = f"""\
---
name: "using-lignin"
description: "How to find, call and hand over proven code with Lignin. Use before writing a helper \
script, and after writing one that works."
---
{INSTRUCTIONS.replace("## Lignin", "# Using Lignin", 1)}
"""


_README = f"""\
# Lignin

{DESCRIPTION}

This plugin starts the MCP server of the `lignin` command, which has to be installed on this machine
(`pip install 'lignin[mcp]'`). Its hooks renew what a session finds when it starts, show lessons that a person
approved before the tools they are for, and take the session's transcript into Lignin's store on this machine
when it stops, without secrets. Nothing is sent anywhere else. The skills in `skills/` are those that were
served when `lignin plugin write` wrote this folder; it writes the folder anew, so edit nothing in it.
"""


def plugin_files(launch: Launch, version: str) -> dict[str, bytes]:
    """Every file but the served skills, by its path in the folder.

    Args:
        launch: How clients start Lignin.
        version: Of the plugin; clients fetch it anew where this changed.
    """
    about: dict[str, Json] = {
        "name": NAME,
        "version": version,
        "description": DESCRIPTION,
        "author": {"name": "Lignin"},
        "license": "Apache-2.0",
        "keywords": ["skills", "memory", "mcp"],
    }
    codex: dict[str, Json] = {
        **about,
        "skills": "./skills/",
        "mcpServers": "./.mcp.json",
        "hooks": "./hooks/codex.json",
        "interface": {
            "displayName": "Lignin",
            "shortDescription": DESCRIPTION,
            "developerName": "Lignin",
            "category": "Productivity",
        },
    }
    here: dict[str, Json] = {"name": NAME, "description": DESCRIPTION, "source": f"./{ROOT}"}
    documents: dict[str, Json] = {
        MARKETPLACE: {
            "name": NAME,
            "owner": {"name": "Lignin"},
            "metadata": {"description": DESCRIPTION},
            "plugins": [here],
        },
        ".agents/plugins/marketplace.json": {
            "name": NAME,
            "interface": {"displayName": "Lignin"},
            "plugins": [
                {
                    "name": NAME,
                    "source": {"source": "local", "path": f"./{ROOT}"},
                    "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
                    "category": "Productivity",
                }
            ],
        },
        f"{ROOT}/.claude-plugin/plugin.json": about,
        f"{ROOT}/.codex-plugin/plugin.json": codex,
        f"{ROOT}/.mcp.json": {"mcpServers": {NAME: launch.server()}},
        f"{ROOT}/hooks/hooks.json": _hooks(launch, "claude-code", CLAUDE_EVENTS),
        f"{ROOT}/hooks/codex.json": _hooks(launch, "codex", CODEX_EVENTS),
    }
    files = {
        path: (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
        for path, value in documents.items()
    }
    files[f"{ROOT}/README.md"] = _README.encode()
    files[f"{SKILLS}/using-lignin/SKILL.md"] = _GUIDE.encode()
    return files


def _hooks(launch: Launch, client: str, events: tuple[tuple[str, str, str], ...]) -> Json:
    hooks: dict[str, Json] = {
        setting.path[-1]: [setting.value] for setting in hook_settings(launch, client, events)
    }
    return {"hooks": hooks}


def is_ours(marketplace: bytes) -> bool:
    """True where a folder's marketplace is one that was written here."""
    try:
        said: Mapping[str, Json] = json.loads(marketplace)
        return bool(said["name"] == NAME and said["owner"] == {"name": "Lignin"})
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
