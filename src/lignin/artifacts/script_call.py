"""How a skill tells to run the script of a shell routine: in the project, not behind walls. Pure.

The commands of such a script act on what lies around them, so it runs where an agent would have run them.
Only one that changes nothing can also be called with the files that it reads.
"""

import json
import shlex

from lignin.artifacts.call_text import call_input, call_section
from lignin.artifacts.interface_text import cell
from lignin.artifacts.routine_about import About
from lignin.domain.artifacts import HIDDEN, Manifest
from lignin.domain.codec import Digest
from lignin.domain.examples import Example

RUNNER = "python3"


def script_section(
    about: About, skill: str, manifest: Manifest, *, name: str, digest: Digest, space: str
) -> list[str]:
    """Lines of the section that shows how the script is run, what was proven of it, what was not."""
    script = f"{RUNNER} .claude/skills/{skill}/scripts/{manifest.entry}"
    shown = about.examples[0] if about.examples else None
    words = _words(about, shown)
    lines = [
        "## How to call it",
        "",
        "Run it in the project, in the folder in which you would run its commands. The script is",
        f"`scripts/{manifest.entry}` of this skill's folder, wherever your client keeps that. With",
        "`--dry-run` it only says which commands it would run:",
        "",
        "```sh",
        f"{script} --dry-run {words}".rstrip(),
        f"{script} {words}".rstrip(),
        "```",
        "",
        *_recorded(shown),
        *_proof(manifest),
    ]
    if manifest.capabilities.paths:
        return lines
    return [
        *lines,
        "It only reads, so it can also be called in a folder of its own, behind walls; the files that its",
        "commands read are handed over in `files`, as text by path:",
        "",
        *call_section(name, digest, manifest, (), space=space)[2:],
    ]


def _words(about: About, shown: Example | None) -> str:
    """The words of a recorded use; those of the arguments where they cannot stand in one plain line."""
    if shown and all(word.isprintable() and "`" not in word for word in shown.argv):
        return shlex.join(shown.argv)
    return " ".join(each.upper() for each, _ in about.words if not each.startswith("["))


def _recorded(shown: Example | None) -> list[str]:
    """What a recorded run got; another machine says something else."""
    if shown is None or not isinstance(shown.result, dict):
        return []
    said = json.dumps(shown.result.get("stdout", ""), ensure_ascii=False)
    return [
        f"In a recorded run, with `{cell(_one_line(json.dumps(call_input(shown))))}`, its commands said",
        f"`{cell(_one_line(said)).replace('`', chr(39))}`; here they say what they find here.",
        "",
    ]


def _proof(manifest: Manifest) -> list[str]:
    reads = "" if manifest.capabilities.paths else " It changes nothing."
    return [
        "Proven: in runs that it was not made from, it asked for the commands that those runs made, word by",
        "word and in their order, and said what they said. Not proven: what the commands do here. It runs",
        f"with your rights, outside the sandbox.{reads} It checks first that its programs are here and ends",
        "at the first command that fails, with its exit code.",
        "",
    ]


def _one_line(text: str) -> str:
    return " ".join(HIDDEN.sub("", text).split())
