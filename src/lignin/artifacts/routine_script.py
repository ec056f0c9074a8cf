"""A routine of shell commands as the Python script that a person would have written for it. Pure.

The script takes what varies as arguments, runs each command with its own list of words, prints what
each said, and ends at the first that fails with its exit code, saying what was done. A command that
needs a shell is one line for `bash -c` in which every value is quoted. A value that would read as an
option is refused, and so is a routine in which one stands where no program is known to take data.
"""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.artifacts.layout import laid_out
from lignin.artifacts.routine_text import headline, identifier, literal, places_of, plain, unique
from lignin.artifacts.script_arguments import Argument, RoutineScript, is_negative, raw
from lignin.artifacts.script_data import require_data
from lignin.artifacts.script_names import programs, script_names, summary, title
from lignin.artifacts.script_parts import functions_for, imports_for
from lignin.artifacts.script_words import about, placed, reads_as_option, stands_as
from lignin.domain.commands import (
    Part,
    Word,
    in_their_folders,
    is_plain,
    of_step,
    parse_command,
    quoted,
    shell_text,
)
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import (
    Constant,
    Each,
    Guard,
    Item,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)

ENTRY = "main.py"
_MOST_PLACED = 3
_MAX_HELP_CHARS = 78
_FILE = re.compile(r"[\w./-]+\.[A-Za-z]\w{0,4}")
_GENERIC = re.compile(r"(?:text|path|url|value|item)s?(?:_\d+)?")
_DRY_RUN = '"--dry-run", action="store_true", help="only say which commands would be run"'
_TAKEN = frozenset(
    ["args", "begin", "dry_run", "found_at", "like", "main", "one_line", "parser", "quote", "run"]
    + ["signed", "stop", "word"]
)


def script_of(
    routine: Routine, name: str = "", seen: Mapping[str, Sequence[str]] | None = None
) -> RoutineScript:
    """Return the script of a routine of shell commands.

    Args:
        name: What to call it; by default made of what its changing commands do.
        seen: Values that the routine's parameters had, commonest first, to show as examples.

    Raises:
        UnsafeError: A value would stand where no program is known to take data.
        InvalidRequestError: A command cannot be written again, or an argument comes from a place that
            is not one value.
    """
    commands = in_their_folders(
        [of_step(at, parse_command(step.tool)) for at, step in enumerate(routine.steps)]
    )
    if not any(commands):
        raise InvalidRequestError("it only goes to a folder")
    writing = _Writing(routine=routine, commands=commands, seen=seen or {})
    body = [line for number in range(len(commands)) for line in writing.step(number)]
    told = programs(commands)
    declared = [
        f"    parser.add_argument({', '.join(each.declared())})" for each in writing.arguments
    ]
    main = "\n".join(
        [
            "def main() -> None:",
            "    parser = argparse.ArgumentParser(description=__doc__)",
            *laid_out([*declared, f"    parser.add_argument({_DRY_RUN})"]),
            "    args = parser.parse_args()",
            *laid_out([f"    begin({', '.join(['args.dry_run', *map(literal, told)])})", *body]),
        ]
    )
    source = "\n".join(
        [
            f'"""{summary(commands)}',
            "",
            headline(routine),
            '"""',
            "",
            *imports_for(main),
            "",
            functions_for(main),
            "",
            main,
            "",
            "",
            'if __name__ == "__main__":',
            "    main()",
            "",
        ]
    )
    ast.parse(source)
    return RoutineScript(
        name=identifier(name or script_names(routine)[0], "routine"),
        source=source,
        arguments=tuple(writing.arguments),
        commands=tuple(writing.told(number) for number in range(len(commands))),
        programs=told,
        changes=any(
            step.changes for step, parts in zip(routine.steps, commands, strict=True) if parts
        ),
    )


def _asked(guard: Guard) -> Reference:
    """The place that a guard is about.

    Raises:
        InvalidRequestError: It says more than that one place is one value.
    """
    if isinstance(guard.at, Use) or guard.how != "equals":
        raise InvalidRequestError("a guard of it says more than a script can ask")
    return guard.at


@dataclass(slots=True, kw_only=True)
class _Writing:
    """A script while it is written."""

    routine: Routine
    commands: Sequence[tuple[Part, ...] | None]
    seen: Mapping[str, Sequence[str]]
    forms: Mapping[str, str] = field(init=False)
    arguments: list[Argument] = field(init=False)
    outputs: Mapping[int, str] = field(init=False)
    held: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        used = set(_TAKEN)
        self.forms = require_data(self.commands, self._slot)
        self.arguments = self._arguments(used)
        read = {each.step for each in self._references()}
        self.outputs = {
            number: unique(f"{identifier(title(parts), 'command')}_output", used)
            for number, parts in enumerate(self.commands)
            if number in read and parts is not None
        }
        self.held = {
            word.place: unique(stands_as(parts, word).name or _last(slot), used)
            for parts in self.commands
            for word in placed(parts)
            if isinstance(slot := self._slot(word), Reference)
        }

    def step(self, number: int) -> Iterator[str]:
        """The lines of one step."""
        step, parts = self.routine.steps[number], self.commands[number]
        for guard in step.guards:
            yield from self._guard(guard, parts)
        if parts is None:
            return
        indent = 4
        if condition := self._condition(number, step):
            yield f"    if {condition}:"
            indent += 4
        lists = dict.fromkeys(
            slot.parameter for slot in step.arguments.values() if isinstance(slot, Item)
        )
        if lists:
            singles = ", ".join(_single(self._named(each)) for each in lists)
            over = ", ".join(f"args.{self._named(each)}" for each in lists)
            over = over if len(lists) == 1 else f"zip({over}, strict=True)"
            yield f"{' ' * indent}for {singles} in {over}:"
            indent += 4
        for word in placed(parts):
            slot = self._slot(word)
            if isinstance(slot, Reference):
                held = f"{self.held[word.place]} = {self._checked(slot, parts, word)}"
                yield f"{' ' * indent}{held}"
        head = "run" if number not in self.outputs else f"{self.outputs[number]} = run"
        yield f"{' ' * indent}{head}({', '.join(self._argv(parts))})"

    def told(self, number: int) -> str:
        """A step's command as a person reads it, what varies in capitals; empty where it is only `cd`."""

        def shown(word: Word) -> str:
            slot = self._slot(word)
            if slot is None or isinstance(slot, Constant):
                return quoted(word, self._fixed(word))
            named = self.held.get(word.place) or self._named(getattr(slot, "parameter", ""))
            return word.text + (_single(named) if isinstance(slot, Item) else named).upper()

        return shell_text(self.commands[number] or (), shown)

    def _argv(self, parts: tuple[Part, ...]) -> list[str]:
        if is_plain(parts):
            return [self._word(word) for word in parts[0].words]
        if any(not isinstance(self._slot(word), Constant) for word in placed(parts)):
            return ['"bash"', '"-c"', f"f{literal(shell_text(parts, self._quoted))}"]
        line = shell_text(parts, lambda word: quoted(word, self._fixed(word)))
        return ['"bash"', '"-c"', literal(line)]

    def _word(self, word: Word) -> str:
        """A word in a list of words."""
        slot = self._slot(word)
        if slot is None or isinstance(slot, Constant):
            return literal(self._fixed(word))
        value = self._value(word, slot)
        text = literal(_braced(word.text))
        return f"f{text[:-1]}{{{value}}}{text[-1]}" if word.text else value

    def _quoted(self, word: Word) -> str:
        """A word in a line for a shell, within an f-string."""
        slot = self._slot(word)
        if slot is None or isinstance(slot, Constant):
            return _braced(quoted(word, self._fixed(word)))
        option = shlex.quote(word.text[:-1]) + "=" if word.text else ""
        return f"{_braced(option)}{{quote({self._value(word, slot)})}}"

    def _fixed(self, word: Word) -> str:
        slot = self._slot(word)
        return word.text + _text(slot) if isinstance(slot, Constant) else word.text

    def _value(self, word: Word, slot: Slot) -> str:
        if isinstance(slot, Each):
            raise InvalidRequestError(f"{slot.place} is several values, which no script hands on")
        if isinstance(slot, Use):
            return f"args.{self._named(slot.parameter)}"
        return (
            _single(self._named(slot.parameter))
            if isinstance(slot, Item)
            else self.held[word.place]
        )

    def _slot(self, word: Word) -> Slot | None:
        if not word.place:
            return None
        number, _, place = word.place.partition(":")
        return self.routine.steps[int(number)].arguments[place]

    def _checked(self, reference: Reference, parts: Sequence[Part], word: Word) -> str:
        if form := self.forms[word.place]:
            return f"like({raw(form)})({self._place(reference)})"
        place = self._place(reference)
        return f"word({place})" if reads_as_option(parts, word) else place

    def _place(self, reference: Reference) -> str:
        places = places_of(reference)
        if self.routine.steps[reference.step].is_repeated or reference.step not in self.outputs:
            raise InvalidRequestError(f"{reference} is not one value, so no script can hand it on")
        output = self.outputs[reference.step]
        if not places:
            return f"one_line({output})"
        return f"found_at({', '.join([output, *map(literal, places)])})"

    def _guard(self, guard: Guard, parts: Sequence[Part] | None) -> Iterator[str]:
        needs = f"{title(parts)} needs {plain(str(guard.at))} to be {plain(str(guard.value))}"
        yield f"    if not DRY and {self._place(_asked(guard))} != {literal(str(guard.value))}:"
        yield f"        stop(1, {literal(needs)})"

    def _condition(self, number: int, step: RoutineStep) -> str:
        if not step.is_optional:
            return ""
        mine = [each for each in self.arguments if each.step == number]
        if mine:
            return f"args.{mine[0].name}"
        own = dict.fromkeys(
            slot.parameter
            for slot in step.arguments.values()
            if isinstance(slot, Use) and not self._argument(slot.parameter).is_needed
        )
        return " and ".join(f"args.{self._named(each)} is not None" for each in own)

    def _references(self) -> Iterator[Reference]:
        for step in self.routine.steps:
            yield from (slot for slot in step.arguments.values() if isinstance(slot, Reference))
            yield from (_asked(guard) for guard in step.guards)

    def _argument(self, parameter: str) -> Argument:
        return next(each for each in self.arguments if each.parameter == parameter)

    def _named(self, parameter: str) -> str:
        return self._argument(parameter).name

    def _arguments(self, used: set[str]) -> list[Argument]:
        """The script's arguments: those by place first, a list last of them."""
        uses = self._uses()
        needed = {
            parameter
            for parameter, places in uses.items()
            if any(not self.routine.steps[number].is_optional for number, _ in places)
        }
        lists = {
            slot.parameter
            for step in self.routine.steps
            for slot in step.arguments.values()
            if isinstance(slot, Item)
        }
        placed = [each for each in uses if each in needed]
        is_short = len(placed) <= _MOST_PLACED and len(lists & needed) < 2
        made = [
            self._one(parameter, used, parameter in needed, parameter in lists, is_short)
            for parameter in sorted(uses, key=lambda each: (each not in needed, each in lists))
        ]
        for number, step in enumerate(self.routine.steps):
            own = any(
                isinstance(slot, Use | Item) and slot.parameter not in needed
                for slot in step.arguments.values()
            )
            parts = self.commands[number]
            if step.is_optional and not own and parts is not None:
                name = unique(identifier(title(parts), "step"), used)
                what = f"also run {plain(title(parts))}"
                made.append(Argument(name=name, what=what, step=number, is_needed=False))
        return made

    def _uses(self) -> dict[str, list[tuple[int, Word]]]:
        """Where each parameter stands, in order."""
        found: dict[str, list[tuple[int, Word]]] = {}
        for number, parts in enumerate(self.commands):
            for word in placed(parts):
                slot = self._slot(word)
                if isinstance(slot, Use | Item):
                    found.setdefault(slot.parameter, []).append((number, word))
        return found

    def _one(
        self, parameter: str, used: set[str], is_needed: bool, is_list: bool, is_short: bool
    ) -> Argument:
        places = self._uses()[parameter]
        number, word = places[0]
        parts = self.commands[number] or ()
        stands = stands_as(parts, word)
        forms = sorted({self.forms.get(each.place, "") for _, each in places} - {""})
        is_word = any(reads_as_option(self.commands[at] or (), each) for at, each in places)
        base = stands.name or parameter
        if not stands.name and _GENERIC.fullmatch(base):
            values = self.seen.get(parameter, ())
            is_file = self._type(parameter) == "path" or (
                bool(values) and all(map(_FILE.fullmatch, values))
            )
            base = "path" if is_file else "text"
        base = identifier(base, "value") + ("s" if is_list and not base.endswith("s") else "")
        if base in used:
            base = f"{identifier(title(parts), 'command')}_{base}"
        repeated = [self.routine.steps[at] for at, _ in places]
        return Argument(
            name=unique(base, used),
            what=self._help(parameter, self._roles(places)),
            parameter=parameter,
            is_needed=is_needed,
            is_option=not (is_needed and is_short),
            is_list=is_list,
            may_be_empty=is_list and all(not step.changes for step in repeated),
            pattern="".join([*(f"(?={each}\\Z)" for each in forms[:-1]), *forms[-1:]]),
            is_word=is_word,
            may_be_negative=is_word and any(map(is_negative, self.seen.get(parameter, ()))),
        )

    def _roles(self, places: Sequence[tuple[int, Word]]) -> str:
        """What an argument is; where several commands take it, what it is to each."""
        roles: dict[str, str] = {}
        for at, word in places:
            parts = self.commands[at] or ()
            roles.setdefault(about(parts, word), stands_as(parts, word).what)
        if len(roles) == 1:
            return next(iter(roles.values()))
        told = [what if title in what else f"{what} (`{title}`)" for title, what in roles.items()]
        return ", ".join(told)

    def _type(self, parameter: str) -> str:
        found = next((e.type for e in self.routine.parameters if e.name == parameter), "str")
        return found.removeprefix("list[").removesuffix("]")

    def _help(self, parameter: str, what: str) -> str:
        """What an argument is, with as many of its commonest values as there is room for."""
        told = what
        for place, value in enumerate(self.seen.get(parameter, ())):
            more = f"{told}{', ' if place else ', such as '}{value}"
            if not value.isprintable() or not value.strip() or len(more) > _MAX_HELP_CHARS:
                break
            told = more
        return told


def _text(slot: Constant) -> str:
    return slot.value if isinstance(slot.value, str) else str(slot.value)


def _single(name: str) -> str:
    return name[:-1] if name.endswith("s") and len(name) > 2 else f"one_{name}"


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _last(reference: Reference) -> str:
    """A name for what lies at a place."""
    named = [each for each in places_of(reference) if isinstance(each, str)]
    return identifier(named[-1], "found") if named else "line"
