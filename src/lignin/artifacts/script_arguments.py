"""What a routine's script takes: its arguments as they are declared, and as a use gives them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.artifacts.routine_text import literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a script.

    Args:
        name: As `args` knows it.
        what: What it is, for the help.
        parameter: The routine's; empty of a flag that asks for an optional step.
        step: The optional step that a flag asks for.
        is_needed: It has to be given.
        is_option: Given as `--name VALUE`, not by its place.
        is_list: It takes several values; none too where `may_be_empty`.
        pattern: The form that its text has to have; empty where any will do.
        is_word: It stands as a word of its own, so that a dash in front would make it an option.
        may_be_negative: Of such a word: recorded uses gave a negative number, so numbers are taken.
    """

    name: str
    what: str
    parameter: str = ""
    step: int = -1
    is_needed: bool = True
    is_option: bool = False
    is_list: bool = False
    may_be_empty: bool = False
    pattern: str = ""
    is_word: bool = False
    may_be_negative: bool = False

    @property
    def flag(self) -> str:
        """How an option is written."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def written(self) -> str:
        """How it is given, as the usage line of a program has it."""
        several = " ..." if self.is_list else ""
        if not self.parameter:
            return f"[{self.flag}]"
        if not self.is_option:
            return f"{self.name}{several}"
        whole = f"{self.flag} {self.name.upper()}{several}"
        return whole if self.is_needed and not self.may_be_empty else f"[{whole}]"

    def takes(self, value: str) -> bool:
        """True where the script does not refuse a value."""
        if self.pattern:
            return re.fullmatch(self.pattern, value) is not None
        is_told = self.may_be_negative and is_negative(value)
        return not (self.is_word and value.startswith("-") and value != "-") or is_told

    def declared(self) -> list[str]:
        """What `add_argument` is given."""
        told = [f"help={literal(self.what.replace('%', '%%'))}"]
        if not self.parameter:
            return [literal(self.flag), 'action="store_true"', *told]
        several = [f'nargs="{"*" if self.may_be_empty else "+"}"'] if self.is_list else []
        own = "signed" if self.may_be_negative else "word"
        kind = [f"type={own}"] if self.is_word else []
        kind = [f"type=like({raw(self.pattern)})"] if self.pattern else kind
        if not self.is_option:
            return [literal(self.name), *several, *kind, *told]
        needed = ["required=True"] if self.is_needed and not self.may_be_empty else []
        empty = ["default=[]"] if self.is_list and not needed else []
        return [literal(self.flag), *needed, *several, *empty, *kind, *told]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutineScript:
    """The source of a script, its arguments, and the programs that it needs to find.

    `commands` are the routine's steps as a person reads them, empty where one only goes to a folder;
    `changes` says whether one may change something.
    """

    name: str
    source: str
    arguments: tuple[Argument, ...]
    commands: tuple[str, ...]
    programs: tuple[str, ...]
    changes: bool

    def argv(self, values: Mapping[str, Sequence[str]], steps: Sequence[bool]) -> list[str]:
        """Return the words of a use.

        Args:
            values: Of each of the routine's parameters that is given; one unless it is a list.
            steps: Of each of the routine's steps whether the use has it.
        """
        options: list[str] = []
        placed: list[str] = []
        for each in self.arguments:
            given = list(values.get(each.parameter, ()))
            if not each.parameter:
                options += [each.flag] if steps[each.step] else []
            elif not each.is_option:
                placed += given
            elif each.is_list:
                options += [each.flag, *given] if given else []
            else:
                options += [f"{each.flag}={value}" for value in given]
        lists = any(each.is_list and each.is_option for each in self.arguments)
        apart = placed and (lists or any(value.startswith("-") for value in placed))
        return [*options, *(["--"] if apart else []), *placed]


def is_negative(value: str) -> bool:
    """True for a negative number, which looks like an option."""
    return re.fullmatch(r"-\d+", value, re.ASCII) is not None


def raw(pattern: str) -> str:
    """A pattern as source."""
    return f'r"{pattern}"'
