"""What varies in a routine's commands stands only where a program is known to take data. Pure.

Deny by default: `script_table` says which programs take data, and where. A value anywhere else, piped
into a program that is not known to read data, or written to a file that is run, refuses the routine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.artifacts.script_table import BEFORE, FORMS, MODULES, TABLE, Row, is_harmless
from lignin.domain.commands import Part, Word
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import Constant, Slot

_FOUND = "{}"
_RUNNING = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_PYTHONS = frozenset({"python", "python3"})
_COPYING = frozenset({"cp", "mv", "ln"})
_GIT = Row(flags={"-C": ":", "-c": "!", "--no-pager": "", "-P": ""})


class UnsafeError(InvalidRequestError):
    """A value would stand where no program is known to take data."""


def _refused(what: str) -> UnsafeError:
    return UnsafeError(f"nobody has said that {what}")


@dataclass(frozen=True, slots=True)
class _Command:
    """One program of a command as it is asked about: its words, those that vary without text."""

    words: tuple[Word, ...]
    fixed: Callable[[Word], str | None]

    @property
    def texts(self) -> list[str | None]:
        return [self.fixed(word) for word in self.words]

    def without(self, first: int) -> "_Command":
        return _Command(self.words[first:], self.fixed)

    @property
    def varies(self) -> bool:
        return any(each is None for each in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A program's row, what it is called, and its words behind that; no row where it is not known."""

    name: str
    row: Row | None
    rest: _Command
    before: Mapping[str, str] = field(default_factory=dict)


def require_data(
    commands: Sequence[Sequence[Part] | None], slot_of: Callable[[Word], Slot | None]
) -> dict[str, str]:
    """Return the form that each varying word must have, by place; empty where any will do.

    Args:
        slot_of: What stands at a word; None where it has no place.

    Raises:
        UnsafeError: Which program is not known to take data where something varies.
    """

    def fixed(word: Word) -> str | None:
        slot = slot_of(word)
        if slot is None:
            return word.text
        if not isinstance(slot, Constant):
            return None
        return word.text + (slot.value if isinstance(slot.value, str) else str(slot.value))

    forms: dict[str, str] = {}
    written: set[str] = set()
    for parts in commands:
        for number, part in enumerate(parts or ()):
            command = _Command(part.words, fixed)
            fed = _is_fed(parts or (), number, fixed)
            forms.update(_part(command, fed))
            for kind, target in part.redirects:
                if fixed(target) is None and "&" in kind:
                    raise _refused(f"`{kind}` takes data")
            _require_not_run(part, fixed, slot_of, written)
            written.update(_written(part, command.varies or fed, fixed, slot_of))
    return forms


def _is_fed(parts: Sequence[Part], number: int, fixed: Callable[[Word], str | None]) -> bool:
    """True where something that varies is piped or read into a program."""
    part = parts[number]
    if any(fixed(target) is None for kind, target in part.redirects if "<" in kind):
        return True
    while number and part.joined.startswith("|") and part.joined != "||":
        number -= 1
        part = parts[number]
        if _Command(part.words, fixed).varies or _is_fed(parts, number, fixed):
            return True
    return False


def _part(command: _Command, fed: bool = False) -> dict[str, str]:
    """The forms of what varies in one program's words."""
    if not command.varies and not fed:
        return {}
    asked = _asked(command)
    if asked.row is None:
        raise _refused(f"`{asked.name}` takes data there")
    if fed and not asked.row.reads:
        raise _refused(f"`{asked.name}` takes as data what is piped into it")
    return {**asked.before, **_words(asked.name, asked.row, asked.rest)}


def _asked(command: _Command) -> _Asked:
    """Find the row of a program; one that only runs another is passed over."""
    program, *texts = command.texts
    name = program or "it"
    verb = texts[0] if texts else None
    if program in _PYTHONS and verb == "-m" and len(texts) > 1 and texts[1] in MODULES:
        return _asked(command.without(2))
    for before in (name, f"{name} {verb}"):
        if before in BEFORE:
            own = BEFORE[before] + len(before.split())
            told = command.texts[:own]
            inner = command.texts[own] if own < len(command.words) else None
            plain = all(each is not None and not each.startswith("-") for each in (*told, inner))
            if plain:
                return _asked(command.without(own))
            return _Asked(name=before, row=None, rest=command)
    if program == "git":
        return _of_git(command)
    if f"{name} {verb}" in TABLE:
        return _Asked(name=f"{name} {verb}", row=TABLE[f"{name} {verb}"], rest=command.without(2))
    return _Asked(name=name, row=TABLE.get(name), rest=command.without(1))


def _of_git(command: _Command) -> _Asked:
    """`git` has flags of its own before its verb."""
    at = 1
    while at < len(command.words) and (command.texts[at] or "").startswith("-"):
        kind = _GIT.kind(command.texts[at] or "")
        if kind is None:
            return _Asked(name=f"git {command.texts[at]}", row=None, rest=command)
        at += 2 if kind else 1
    forms = _words("git", _GIT, _Command(command.words[1:at], command.fixed))
    verb = command.texts[at] if at < len(command.words) else None
    name = f"git {verb}" if verb else "git"
    return _Asked(name=name, row=TABLE.get(name), rest=command.without(at + 1), before=forms)


def _words(name: str, row: Row, command: _Command) -> dict[str, str]:
    """The forms of the words behind a program's name."""
    forms: dict[str, str] = {}
    number, flag, is_open, at = 0, "", True, 0
    while at < len(command.words):
        word, text = command.words[at], command.texts[at]
        at += 1
        if flag:
            if text is None and row.kind(flag) != ":":
                raise _refused(f"`{name} {flag}` takes data")
            forms.update(_form(word, text, ""))
            flag = ""
        elif is_open and word.text.startswith("-") and word.place and word.text.endswith("="):
            option = word.text[:-1]
            kind = row.kind(option)
            if kind is None or (text is None and kind != ":"):
                raise _refused(f"`{name} {option}` takes data")
            forms.update(_form(word, text, ""))
        elif is_open and text == "--":
            is_open = False
        elif is_open and name == "find" and text in _RUNNING:
            until = _end(command.texts, at)
            forms.update(_part(_found(command, at, until)))
            at = until + 1
        elif is_open and text is not None and not word.place and len(text) > 1 and text[0] == "-":
            kind = row.kind(text)
            if kind is None:
                raise _refused(f"`{name} {text}` leaves what it is given as data")
            flag = text if kind else ""
        else:
            number += 1
            forms.update(_word(name, row, number, word, text))
    return forms


def _word(name: str, row: Row, number: int, word: Word, text: str | None) -> dict[str, str]:
    """The form of a word that is no option and no option's value."""
    wanted = row.first if number == 1 and row.first else row.words
    if text is not None:
        if number == 1 and row.first and not is_harmless(row.first, text):
            raise _refused(f"`{name} {text}` starts nothing")
        return {}
    if wanted in ("", "!", "AWK"):
        raise _refused(f"`{name}` takes data there")
    return _form(word, text, FORMS.get(wanted, ""))


def _form(word: Word, text: str | None, form: str) -> dict[str, str]:
    return {} if text is not None else {word.place: form}


def _end(texts: Sequence[str | None], at: int) -> int:
    """Where the command that `find` runs ends."""
    return next((n for n in range(at, len(texts)) if texts[n] in (";", "+")), len(texts))


def _found(command: _Command, first: int, end: int) -> _Command:
    """The command that `find` runs; what it finds varies."""

    def fixed(word: Word) -> str | None:
        text = command.fixed(word)
        return None if text is not None and _FOUND in text else text

    return _Command(command.words[first:end], fixed)


def _same(word: Word, fixed: Callable[[Word], str | None], slot: Slot | None) -> str:
    """What a word names, so that two are equal that name one file."""
    text = fixed(word)
    return f"what varies: {slot}" if text is None else text.removeprefix("./")


def _written(
    part: Part,
    varies: bool,
    fixed: Callable[[Word], str | None],
    slot_of: Callable[[Word], Slot | None],
) -> Iterator[str]:
    """The files into which a program puts what varies."""
    if not varies:
        return
    for kind, target in part.redirects:
        if ">" in kind:
            yield _same(target, fixed, slot_of(target))
    targets = part.words[-1:] if part.program in _COPYING else ()
    for target in part.words[1:] if part.program == "tee" else targets:
        yield _same(target, fixed, slot_of(target))


def _require_not_run(
    part: Part,
    fixed: Callable[[Word], str | None],
    slot_of: Callable[[Word], Slot | None],
    written: set[str],
) -> None:
    """Raise where a program runs, or may run, a file that holds what varies."""
    read = [target for kind, target in part.redirects if "<" in kind]
    for word in (*part.words, *read):
        held = _same(word, fixed, slot_of(word))
        if held not in written:
            continue
        row = _asked(_Command(part.words, fixed)).row
        if word is part.words[0] or row is None or row.runs:
            raise _refused(f"`{part.program}` does not run what was written before, which varies")
