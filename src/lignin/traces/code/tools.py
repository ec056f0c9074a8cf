"""Reads a tool call of any client as file actions and shell text.

Owns the table of tool and argument names. A call that is none of these gives no action. A call whose
client said that it failed gives no file action: what it would have done did not happen.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.traces import ToolCall


@dataclass(frozen=True, slots=True)
class Write:
    """A whole file written."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Text replaced in a file; `path` is empty where the client edits the file it has open."""

    path: str
    old: str
    new: str
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines `first` to `last` (1-based, inclusive) of the open file replaced."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Text put in after line `line`; at the end where it is None."""

    path: str
    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch in the `apply_patch` format."""

    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """A file looked at, which makes it the open one where the client has such a thing."""

    path: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A notebook cell written."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Python:
    """Python run by a tool of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Shell text run; `cwd` is empty where the call names no folder."""

    text: str
    cwd: str = ""


Action = Write | Edit | LineEdit | Insert | Patch | Read | Cell | Python | Shell

_WRITE = frozenset(["write", "write_file", "create_file", "create", "write_to_file", "save_file"])
_EDIT = frozenset(
    ["edit", "str_replace", "replace", "edit_file", "search_replace", "multiedit", "multi_edit"]
)
_EDITOR = frozenset(["str_replace_editor", "str_replace_based_edit_tool", "text_editor"])
_READ = frozenset(["read", "read_file", "open", "view", "open_file"])
_PYTHON = frozenset(["execute_ipython_cell", "run_ipython", "python", "ipython", "jupyter"])
_REFUSED = re.compile(
    r"introduced new syntax error|edit was not applied|No replacement was performed|"
    r"did not appear verbatim|Text not found|not found in (?:the )?file|^Error:|"
    r"String to replace not found|has not been read yet|already exists",
    re.MULTILINE,
)
_EDIT_LINES = re.compile(r"edit (\d+):(\d+)\n(.*?)\n?end_of_edit\s*\Z", re.DOTALL)


def read_actions(call: ToolCall) -> tuple[Action, ...]:
    """Return what a tool call did to files, or the shell text it ran, in order."""
    name = call.name.rsplit("__", 1)[-1].rsplit(".", 1)[-1].casefold()
    arguments = call.arguments
    text = _shell_text(arguments)
    actions = _file_actions(name, arguments)
    if not actions and text and name not in _EDITOR:
        actions = _shell_actions(text, _text(arguments, "workdir", "cwd"))
    if _has_failed(call):
        return tuple(action for action in actions if isinstance(action, Shell | Python))
    return actions


def _has_failed(call: ToolCall) -> bool:
    return call.is_error is True or bool(_REFUSED.search((call.observation or "")[:500]))


def _file_actions(name: str, arguments: Mapping[str, Json]) -> tuple[Action, ...]:
    path = _text(arguments, "file_path", "path", "filename", "file", "target_file", "notebook_path")
    content = _text(arguments, "content", "file_text", "contents", "text")
    if name in _EDITOR:
        return _editor(path, arguments)
    if name in _WRITE and path:
        return (Write(path, content if content is not None else "\n"),)
    if name in _EDIT and (edits := _edits(path or "", arguments)):
        return edits
    if name == "insert" and content is not None:
        return (Insert(path or "", _number(arguments, "line", "insert_line"), content),)
    if name == "notebookedit" and path:
        cell = arguments.get("cell_id") or arguments.get("cell_number") or "new"
        return (Cell(f"{path}#{cell}", _text(arguments, "new_source") or ""),)
    if name == "apply_patch":
        return (Patch(_text(arguments, "input", "patch", "command", "content") or ""),)
    if name in _READ and path:
        return (Read(path),)
    if name in _PYTHON and (code := _text(arguments, "code", "input")):
        return (Python(code),)
    return ()


def _edits(path: str, arguments: Mapping[str, Json]) -> tuple[Action, ...]:
    several = arguments.get("edits")
    if isinstance(several, list | tuple):
        return tuple(
            edit for item in several if isinstance(item, Mapping) for edit in _edits(path, item)
        )
    old = _text(arguments, "old_string", "old_str", "search", "old_text")
    new = _text(arguments, "new_string", "new_str", "replace", "new_text")
    if old is None or new is None:
        return ()
    everywhere = arguments.get("replace_all", arguments.get("replace-all"))
    return (Edit(path, old, new, everywhere in (True, "true", "True")),)


def _editor(path: str | None, arguments: Mapping[str, Json]) -> tuple[Action, ...]:
    what, new = arguments.get("command"), _text(arguments, "new_str", "insert_text")
    if not path:
        return ()
    if what == "create":
        return (Write(path, _text(arguments, "file_text") or ""),)
    if what == "str_replace":
        return (Edit(path, _text(arguments, "old_str") or "", new or ""),)
    if what == "insert" and new is not None:
        return (Insert(path, _number(arguments, "insert_line"), new),)
    return (Read(path),) if what == "view" else ()


def _shell_text(arguments: Mapping[str, Json]) -> str:
    for key in ("command", "cmd", "action", "script"):
        value = arguments.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping):
            return _shell_text(value)
        if isinstance(value, list | tuple) and value and all(isinstance(w, str) for w in value):
            shell = value[0].rsplit("/", 1)[-1] in {"bash", "sh", "zsh"}
            if shell and len(value) == 3 and value[1] in {"-c", "-lc"}:
                return str(value[2])
            return shlex.join(value)
    return ""


def _shell_actions(text: str, cwd: str | None) -> tuple[Action, ...]:
    """Read raw text as an editor command of SWE-agent where it is one, else as shell."""
    word = text.split(None, 1)[0] if text.split() else ""
    if match := _EDIT_LINES.match(text):
        return (LineEdit(int(match[1]), int(match[2]), match[3] + "\n"),)
    if word in {"create", "open", "edit", "insert", "str_replace_editor"}:
        try:
            words = shlex.split(text)
        except ValueError:
            return ()
        return _typed_editor(words)
    return (Shell(text, cwd or ""),) if word else ()


def _typed_editor(words: list[str]) -> tuple[Action, ...]:
    word, rest = words[0], words[1:]
    if word == "str_replace_editor" and len(rest) >= 2:
        options = dict(zip(rest[2::2], rest[3::2], strict=False))
        named: dict[str, Json] = {key.lstrip("-"): value for key, value in options.items()}
        return _editor(rest[1], {"command": rest[0], **named})
    if word == "create" and len(rest) == 1:
        return (Write(rest[0], "\n"),)
    if word == "open" and rest:
        return (Read(rest[0]),)
    if word == "edit" and len(rest) in {2, 3}:
        return (Edit("", rest[0], rest[1], len(rest) == 3),)
    if word == "insert" and rest:
        line = int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() else None
        return (Insert("", line, rest[0]),)
    return ()


def _text(arguments: Mapping[str, Json], *keys: str) -> str | None:
    return next((arguments[key] for key in keys if isinstance(arguments.get(key), str)), None)


def _number(arguments: Mapping[str, Json], *keys: str) -> int | None:
    for key in keys:
        value = arguments.get(key)
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return int(value)
    return None
