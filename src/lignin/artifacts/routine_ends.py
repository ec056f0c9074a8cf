"""How a routine's program ends before its last step: what it says then, and that nothing is lost. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lignin.artifacts.routine_places import Loop

SO_FAR = "{so_far}"


def uneven(loops: Iterable[Loop]) -> str:
    return f"{' and '.join(loop.told for loop in loops)} have to be of one length"


def unset(body: Sequence[str]) -> list[str]:
    """The line that sets what a hand-over may say besides."""
    names = [name for name in ("expected", "so_far") if any(f"{name} = " in each for each in body)]
    return [f'{" = ".join(names)} = ""'] if names else []


@dataclass(frozen=True, slots=True)
class Ending:
    """The lines that hand over whatever happens; `is_told_apart` if what a tool said is one of two cases."""

    lines: tuple[str, ...]
    is_told_apart: bool


def excepted(body: Sequence[str]) -> Ending:
    """Hand over whatever happens, with what was done: what a tool said, else what was not there."""
    after = SO_FAR if any("so_far = " in each for each in body) else ""
    error = f'f"{{error}}{after}"' if after else "str(error)"
    plain = ("    except Exception as error:", _handed(error))
    if not any("expected = " in each for each in body):
        return Ending(plain, is_told_apart=False)
    told = f'f"{{expected or error}}{after}"' if after else "expected or str(error)"
    lines = (
        "    except ToolError as error:",
        _handed(error),
        "    except Exception as error:",
        _handed(told),
    )
    return Ending(lines, is_told_apart=True)


def _handed(why: str) -> str:
    return f'        return {{"done": done, "handed_over": {why}}}'
