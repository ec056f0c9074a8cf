"""Is a lock closed? Every requirement of every wheel is met in it, and nothing else is there. Pure."""

from collections.abc import Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lignin.adapters.wheels.reading import About
from lignin.domain.errors import IntegrityError


def require_closed(requires: Iterable[str], wheels: Mapping[str, About]) -> None:
    """Raise unless the wheels are just what the requirements lead to on this interpreter.

    Args:
        requires: What the artifacts ask for.
        wheels: The locked wheels by normalised name.

    Raises:
        IntegrityError: What is missing, of another version, or there for no reason.
    """
    waiting = [("the artifact", text, frozenset[str]()) for text in requires]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        who, text, extras = waiting.pop()
        asked = _parsed(who, text)
        if not _applies(asked, extras):
            continue
        name = str(canonicalize_name(asked.name))
        found = wheels.get(name)
        if found is None:
            raise IntegrityError(
                f"{who} requires {name}, which the lock has not",
                hint="`lignin dependency lock` makes a whole one",
            )
        if asked.url is not None:
            raise IntegrityError(f"{who} requires {name} from an address; a lock has names only")
        if not asked.specifier.contains(found.version, prereleases=True):
            raise IntegrityError(f"{who} requires {text}; the lock has {name} {found.version}")
        wanted = frozenset(str(canonicalize_name(extra)) for extra in asked.extras)
        if (name, wanted) not in done:
            done.add((name, wanted))
            waiting += [(name, inner, wanted) for inner in found.requires]
    extra = sorted(wheels.keys() - {name for name, _ in done})
    if extra:
        raise IntegrityError(
            f"the lock has {', '.join(extra[:5])}, which nothing requires",
            hint="`lignin dependency lock` makes one without",
        )


def _parsed(who: str, text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise IntegrityError(f"{who} requires {text!r:.100}, which cannot be read") from error


def _applies(asked: Requirement, extras: frozenset[str]) -> bool:
    if asked.marker is None:
        return True
    return any(asked.marker.evaluate({"extra": extra}) for extra in ("", *sorted(extras)))
