"""Lessons on the way to an agent, without the store: before a tool call there is no time to open it.

A board beside the store holds the approved lessons; it is written when one is approved or withdrawn and when
a session starts. What a session was shown is noted in a file and joins the ledger when the session's
transcript does. A lesson that somebody withdraws on another machine is shown until the next session starts.
Imports nothing but the standard library.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

MAX_SHOWN = 5
MAX_SHOWN_CHARS = 4_000
MAX_BOARD_BYTES = 8 * 2**20
KEEP_S = 30 * 24 * 3600
_SUBJECTS = ("command", "file_path", "path", "url")


class Board:
    """The approved lessons of one store and space.

    Args:
        home: Lignin's data folder.
        store: What `LIGNIN_STORE` says; only its hash is used.
        space: The space.
    """

    def __init__(self, home: Path, store: str, space: str) -> None:
        self._folder = home / "hooks"
        self._path = self._folder / f"{_hash(store, space)}.json"

    def write(self, lessons: Sequence[Mapping[str, Any]]) -> None:
        """Put up these lessons and no others: `lesson`, `text`, `when`, `before`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        part.write_text(json.dumps({"lessons": list(lessons)}, ensure_ascii=False))
        part.chmod(0o600)
        part.replace(self._path)

    def lessons(self) -> list[dict[str, Any]]:
        """What is up."""
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(MAX_BOARD_BYTES))["lessons"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []
        return [each for each in found if isinstance(each, dict)]

    def show(self, client: str, session: str, tool: str, given: Mapping[str, Any]) -> str:
        """The lessons that fit a moment and that the session was not shown yet; noted as shown.

        Args:
            tool: The tool that is about to be called; "" when a session starts.
            given: What it is called with.
        """
        shown = self.shown(client, session)
        seen = {str(each["lesson"]) for each in shown}
        lines, noted, size = list[str](), list[dict[str, Any]](), 0
        for each in self.lessons():
            if each["lesson"] in seen or not _fits(each["before"], tool, given):
                continue
            when = f"{each['when']}: " if each["when"] else ""
            line = f"- {when}{each['text']} ({each['lesson']})"
            size += len(line)
            if len(lines) == MAX_SHOWN or size > MAX_SHOWN_CHARS:
                break
            lines.append(line)
            noted.append({"lesson": each["lesson"], "tool": tool, "at_s": int(time.time())})
        if not lines:
            return ""
        if session:
            self._note(client, session, noted)
        about = f"Lessons for {tool}" if tool else "Lessons"
        return "\n".join([f"{about} that a person approved (advice; it grants nothing):", *lines])

    def shown(self, client: str, session: str) -> list[dict[str, Any]]:
        """What a session was shown: `lesson`, `tool`."""
        try:
            lines = self._shown_path(client, session).read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                each = json.loads(line)
            except ValueError:
                continue  # two hooks wrote at once
            if isinstance(each, dict) and isinstance(each.get("lesson"), str):
                found.append(each)
        return found

    def forget_old(self) -> None:
        """Drop notes of sessions that ended long ago."""
        for path in self._folder.glob("shown-*.jsonl"):
            if path.stat().st_mtime < time.time() - KEEP_S:
                path.unlink(missing_ok=True)

    def _note(self, client: str, session: str, noted: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(each) + "\n" for each in noted)
        path = self._shown_path(client, session)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(text)

    def _shown_path(self, client: str, session: str) -> Path:
        return self._folder / f"shown-{_hash(self._path.name, client, session)}.jsonl"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


def _fits(patterns: Sequence[str], tool: str, given: Mapping[str, Any]) -> bool:
    """True where a moment is one of those: `NAME`, or `NAME(WHAT)`, with `*` for anything."""
    if not tool:
        return not patterns
    told = next((str(given[key]) for key in _SUBJECTS if isinstance(given.get(key), str)), "")
    for pattern in patterns:
        name, has_subject, subject = pattern.partition("(")
        if fnmatchcase(tool, name) and (
            not has_subject or fnmatchcase(told, subject.removesuffix(")"))
        ):
            return True
    return False
