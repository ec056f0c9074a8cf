"""Walks the commands of one shell call: what they write, and the one run that can be told apart.

An observation belongs to a run only where nothing else in the call can have printed and the exit
code can only be its own. Everything less certain gives no run.
"""

import re
from dataclasses import dataclass

from lignin.domain.traces import CommandRun, ToolCall
from lignin.traces.code.files import Held, Run, Workspace
from lignin.traces.code.launch import Launch, read_launch
from lignin.traces.code.links import named_in
from lignin.traces.code.observation import read_observation
from lignin.traces.code.patch import parse_patch
from lignin.traces.code.shell import Command, Script, Word, parse_shell

_SILENT = frozenset(
    [
        "cd",
        "mkdir",
        "rm",
        "mv",
        "cp",
        "touch",
        "chmod",
        "true",
        ":",
        "sleep",
        "wait",
        "source",
        ".",
        "exit",
        "unset",
    ]
)
_REWRITES = frozenset(
    ["sed", "perl", "black", "ruff", "isort", "autopep8", "patch", "git", "dos2unix"]
)
_DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_MAX_DEPTH = 3
_FILE_LIKE = re.compile(r"/|\.[A-Za-z]\w{0,4}\Z")
FILLED_IN = "the shell filled in part of its text before it was written"


@dataclass(frozen=True, slots=True)
class Launched:
    """A launch with what the workspace was when it happened."""

    launch: Launch
    held: Held | None
    cwd: str
    stdin: str | None
    place: "Place"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command stands: what is before its pipeline, and what comes after it."""

    joined: str
    last: bool
    final: bool
    depth: int


class Walk:
    """One shell call, followed command by command."""

    def __init__(self, workspace: Workspace, index: int) -> None:
        self.workspace = workspace
        self.index = index
        self.launched: list[Launched] = []
        self.clear = True  # nothing but a launch can have printed
        self.inline: list[Held] = []

    def follow(self, text: str, depth: int = 0) -> None:
        """Follow the commands of some shell text."""
        script = parse_shell(text)
        self.clear = self.clear and script.simple
        place = 0
        while place < len(script.commands):
            end = place + 1
            while end < len(script.commands) and script.commands[end].joined in {"|", "|&"}:
                end += 1
            self._pipeline(script, place, end, depth)
            place = end

    def _pipeline(self, script: Script, start: int, end: int, depth: int) -> None:
        commands = script.commands[start:end]
        joined = commands[0].joined
        if joined in {"||", "&"}:
            self.clear = False
        stdin: str | None = ""
        for place, command in enumerate(commands):
            is_last = start + place + 1 == len(script.commands)
            if place:
                stdin = self._fed(commands[place - 1], stdin)
            final = place + 1 == len(commands)
            self._command(command, stdin, Place(joined, is_last, final, depth))

    def _command(self, command: Command, stdin: str | None, place: Place) -> None:
        for redirect in command.redirects:
            if redirect.operator == "<":
                held = self.workspace.text_of(redirect.target.text, self.workspace.cwd)
                stdin = held if redirect.target.literal else None
            elif redirect.operator == "<<<":
                stdin = redirect.target.text + "\n" if redirect.target.literal else None
            elif redirect.operator in {"<<", "<<-"}:
                stdin = redirect.target.text if redirect.target.literal else None
        self._write(command, stdin)
        launch = read_launch(command)
        if launch is None:
            self._plain(command, place.final)
            return
        self._launch(launch, stdin, place)

    def _launch(self, launch: Launch, stdin: str | None, place: Place) -> None:
        held = None
        if launch.code is not None:
            held = self._in_place(launch)
            stdin = "" if launch.how == "heredoc" else stdin
            if launch.language == "shell" and place.depth < _MAX_DEPTH and launch.literal_code:
                self.follow(launch.code, place.depth + 1)
                self.clear = False  # what ran in it and itself are one observation
        elif held := self.workspace.find(launch.path):
            held.ran_as = launch.language
        if held is None or not launch.exact or not place.final:
            self.clear = False
            return
        cwd = self.workspace.cwd
        self.launched.append(Launched(launch, held, cwd, stdin, place))

    def _in_place(self, launch: Launch) -> Held:
        suffix = ".py" if launch.language == "python" else ".sh"
        count = len(self.inline) + 1
        name = f"inline-{self.index}" + (f"-{count}" if count > 1 else "") + suffix
        flaw = "" if launch.literal_code else FILLED_IN
        held = Held(name, launch.code or "", launch.how, self.index, self.workspace.tick, flaw)
        held.ran_as = launch.language
        self.inline.append(held)
        return held

    def _fed(self, feeder: Command, stdin: str | None) -> str | None:
        """Return what a command sends down the pipe, where that is known."""
        made = _output(feeder)
        if made is not None:
            return made.text if made.literal else None
        words = [word.text for word in feeder.words]
        if words[:1] == ["cat"] and len(words) == 2 and feeder.is_literal:
            return self.workspace.text_of(words[1], self.workspace.cwd)
        if words == ["cat"]:
            return stdin
        return None

    def _write(self, command: Command, stdin: str | None) -> None:
        """Follow what a command writes into files."""
        for redirect in command.redirects:
            if redirect.operator not in {">", ">|", ">>"} or redirect.fd not in {"", "1"}:
                continue
            name = redirect.target.text
            if not redirect.target.literal or name.startswith("/dev/"):
                continue
            self._store(name, _output(command), redirect.operator == ">>")
        words = command.words
        if words and words[0].text == "tee":
            append = any(word.text == "-a" for word in words)
            for word in words[1:]:
                if word.literal and not word.text.startswith("-"):
                    text = None if stdin is None else Word(stdin, True)
                    self._store(word.text, text or _body(command), append)

    def _store(self, name: str, text: Word | None, append: bool) -> None:
        if text is None:
            self.workspace.spoil(name, "a command wrote its output over it", self.index)
            return
        flaw = "" if text.literal else FILLED_IN
        if append:
            self.workspace.append(name, text.text, self.index, flaw)
        else:
            self.workspace.write(name, text.text, "heredoc", self.index, flaw)

    def _plain(self, command: Command, final: bool) -> None:
        """Follow a command that runs no code of the agent."""
        words = [word.text for word in command.words]
        if not words:
            if command.assignments and command.joined in {"&&", "||"}:
                self.clear = False
            return
        name = words[0]
        names = [word for word in words[1:] if not word.startswith("-")]
        if name == "cd" and len(words) == 2:
            self._enter(command)
        elif name == "rm":
            for path in names:
                self.workspace.remove(path)
        elif name in {"mv", "cp"} and len(names) == 2:
            self.workspace.move(names[0], names[1], self.index, keep=name == "cp")
        elif name == "apply_patch":
            self._patch(command)
        elif name in _REWRITES:
            self._rewritten(words)
        elif name == "cat" and len(names) == 1 and command.is_literal and not command.redirects:
            self.workspace.note_read(names[0])
        if name not in _SILENT and final and not _is_quiet(command):
            self.clear = False

    def _enter(self, command: Command) -> None:
        word = command.words[1]
        if word.literal and word.text != "-":
            self.workspace.cwd = self.workspace.resolve(word.text)
            self.workspace.entered = self.workspace.entered or word.text.startswith("/")
        else:
            self.clear = False

    def _patch(self, command: Command) -> None:
        body = _body(command) or (command.words[1] if len(command.words) > 1 else None)
        if body is not None and body.literal:
            for section in parse_patch(body.text):
                self.workspace.patch(section, self.index)

    def _rewritten(self, words: list[str]) -> None:
        in_place = words[0] not in {"sed", "perl"} or any(w.startswith("-i") for w in words)
        in_place = in_place and (words[0] != "git" or words[1:2] in (["checkout"], ["restore"]))
        for word in words[1:]:
            if in_place and self.workspace.find(word):
                self.workspace.spoil(word, f"it was changed by {words[0]}, unseen", self.index)

    def attribute(self, call: ToolCall) -> None:
        """Give the observation to the one run that can have made it, if there is one."""
        observed = read_observation(call)
        if observed is None or not self.clear or len(self.launched) != 1:
            return
        done = self.launched[0]
        if done.stdin is None or done.held is None:
            return
        code = observed.exit_code if done.place.last or observed.exit_code == 0 else None
        if code not in {None, 0} and done.place.joined == "&&":
            return  # what stands before it may be what failed
        files = self._readable(done, done.held)
        if files is None:
            return
        run = CommandRun(
            argv=done.launch.argv,
            stdout=observed.stdout,
            stdin=done.stdin,
            files=files,
            exit_code=code,
            index=self.index,
        )
        done.held.runs.append(Run(run, self.workspace.tick))

    def _readable(self, done: Launched, held: Held) -> dict[str, str] | None:
        """Return the files a run could read; None where one it was given is not known."""
        files: dict[str, str] = {}
        before = ""
        for word in done.launch.argv:
            text = self.workspace.text_of(word, done.cwd)
            if text is not None:
                files[word] = text
            elif self.workspace.find(word, done.cwd) or (
                _FILE_LIKE.search(word)
                and " " not in word
                and not before.startswith(("-o", "--out"))
            ):
                return None
            before = word
        for other in named_in(held.text, self.workspace):
            relative = _below(other.path, done.cwd)
            is_data = not relative.endswith((".py", ".sh"))
            if relative and is_data and other is not held and not other.flaw:
                files.setdefault(relative, other.text)
        return files


def note_shown(workspace: Workspace, text: str, call: ToolCall) -> None:
    """Keep the text of a data file that a lone `cat` showed whole.

    Only formats in which a last line end means nothing, since clients cut it off.
    """
    commands = parse_shell(text).commands
    words = commands[0].words if len(commands) == 1 else ()
    if len(words) != 2 or words[0].text != "cat" or commands[0].redirects:
        return
    path, observed = workspace.resolve(words[1].text), read_observation(call)
    if not observed or observed.exit_code not in {0, None} or path in workspace.held:
        return
    if words[1].text.endswith(_DATA) and "No such file" not in observed.stdout:
        workspace.shown[path] = observed.stdout.rstrip("\n") + "\n"


def _below(path: str, folder: str) -> str:
    if not folder:
        return "" if path.startswith("/") else path
    return path.removeprefix(folder + "/") if path.startswith(folder + "/") else ""


def _output(command: Command) -> Word | None:
    """Return what a command surely writes to its output: `cat` of a body, `echo`, `printf`."""
    if [word.text for word in command.words] == ["cat"]:
        return _body(command)
    text = _printed(command)
    if text is not None:
        return Word(text, True)
    if command.words and command.words[0].text in {"echo", "printf"} and len(command.words) == 2:
        return Word(command.words[1].text + "\n", False)
    return None


def _body(command: Command) -> Word | None:
    for redirect in command.redirects:
        if redirect.operator in {"<<", "<<-"}:
            return redirect.target
        if redirect.operator == "<<<":
            return Word(redirect.target.text + "\n", redirect.target.literal)
    return None


def _printed(command: Command) -> str | None:
    words = [word.text for word in command.words]
    if not words or not all(word.literal for word in command.words):
        return None
    if words[0] == "echo":
        end = "" if words[1:2] == ["-n"] else "\n"
        rest = words[2:] if words[1:2] == ["-n"] else words[1:]
        if rest[:1] and rest[0].startswith("-"):
            return None
        return None if any("\\" in word for word in rest) else " ".join(rest) + end
    if words[0] == "printf":
        return _formatted(words[1:])
    return None


def _formatted(words: list[str]) -> str | None:
    """Return what `printf` prints, for plain text with `\\n`, `\\t` and `%s` only."""
    if not words:
        return None
    form = words[0]
    if re.search(r"%(?!s|%)|\\(?![nt\\])", form):
        return None
    count = len(re.findall(r"(?<!%)%s", form.replace("%%", "")))
    if count != len(words) - 1:
        return None
    values = iter(words[1:])
    marks = {"\\n": "\n", "\\t": "\t", "\\\\": "\\", "%%": "%"}
    return re.sub(r"\\[nt\\]|%[s%]", lambda m: marks[m[0]] if m[0] in marks else next(values), form)


def _is_quiet(command: Command) -> bool:
    """True where a command's output goes to a file."""
    return any(
        redirect.operator in {">", ">>", ">|"} and redirect.fd in {"", "1", "&"}
        for redirect in command.redirects
    )
