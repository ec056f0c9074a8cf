"""How a routine's program ends before its last step: what it says then, and that nothing is lost. Pure."""

from collections.abc import Iterable, Sequence

from lignin.artifacts.routine_places import Loop

SO_FAR = "{so_far}"


def uneven(loops: Iterable[Loop]) -> str:
    return f"{' and '.join(loop.told for loop in loops)} have to be of one length"


def unset(body: Sequence[str]) -> list[str]:
    """The line that sets what a hand-over may say besides."""
    names = [name for name in ("expected", "so_far") if any(f"{name} = " in each for each in body)]
    return [f'{" = ".join(names)} = ""'] if names else []


def excepted(body: Sequence[str]) -> list[str]:
    """Hand over whatever happens, with what was done: what a tool said, else what was not there."""
    after = SO_FAR if any("so_far = " in each for each in body) else ""
    error = f'f"{{error}}{after}"' if after else "str(error)"
    lines = [
        "    except ToolError as error:",
        f'        return {{"done": done, "handed_over": {error}}}',
    ]
    told = "{expected or error}" if any("expected = " in each for each in body) else "{error}"
    return [
        *lines,
        "    except Exception as error:",
        f'        return {{"done": done, "handed_over": f"{told}{after}"}}',
    ]
