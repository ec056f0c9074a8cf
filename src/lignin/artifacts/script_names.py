"""What a shell routine's script is called and says of itself, and the programs it needs. Pure."""

from collections.abc import Sequence

from lignin.artifacts.routine_text import identifier, plain
from lignin.artifacts.script_words import heading
from lignin.domain.commands import Part, is_plain, parse_command
from lignin.domain.routines import Routine

_MAX_TITLES = 5
_BUILT_IN = frozenset({"cd", "echo", "true", "false", "export", "test", "pwd", "printf", ":"})


def summary(commands: Sequence[tuple[Part, ...] | None]) -> str:
    """What is run, in a sentence."""
    titles = list(dict.fromkeys(plain(title(parts)) for parts in commands if parts))
    left = len(titles) - _MAX_TITLES
    rest = f", then {left} more command{'s' if left > 1 else ''}" if left > 0 else ""
    return f"Run {', then '.join(titles[:_MAX_TITLES])}{rest}."


def title(parts: Sequence[Part] | None) -> str:
    """What a command is about: its first program that does more than go to a folder."""
    named = [part for part in parts or () if part.program not in {"cd", "echo", "true"}]
    return heading((named or list(parts or ()))[0]) if parts else "cd"


def script_names(routine: Routine) -> tuple[str, ...]:
    """Names for a shell routine, the plainest first: what its last changes do, all that it does, its own.

    Raises:
        InvalidRequestError: A command cannot be written again.
    """
    told = [(step.changes, title(parse_command(step.tool))) for step in routine.steps]
    told = [each for each in told if each[1] != "cd"] or told
    every = list(dict.fromkeys(name for _, name in told))
    changing = list(dict.fromkeys(name for changes, name in told if changes))
    plainest = _joined(changing or every[:3])
    return (
        identifier(plainest, "routine"),
        identifier(_joined(every), "routine"),
        identifier(f"{plainest} {routine.routine_id[-6:]}", "routine"),
    )


def _joined(titles: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(word for each in titles for word in each.split()))


def programs(commands: Sequence[tuple[Part, ...] | None]) -> tuple[str, ...]:
    """The programs to be found; a path in the work folder is none of them."""
    found = {part.program for parts in commands if parts for part in parts}
    shells = {"bash"} if any(parts and not is_plain(parts) for parts in commands) else set()
    mine = {part.program for parts in commands if parts and is_plain(parts) for part in parts}
    return tuple(
        sorted({p for p in found if "/" not in p and (p in mine or p not in _BUILT_IN)} | shells)
    )
