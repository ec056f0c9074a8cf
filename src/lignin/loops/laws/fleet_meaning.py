"""Semantic conflicts by reading: one side takes away or changes what the other newly uses. Pure.

Two changes to different files merge without a word and break each other all the same. Only what can be
known from the text is told: a call that fits the new signature is no conflict, and a name that the merged
tree has after all is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.loops.laws.fleet_names import (
    Defined,
    Signature,
    Use,
    defined_in,
    modules_of,
    read_source,
    uses_in,
)

MAX_CLASHES = 20
Sources = Mapping[str, str | None]
"""Texts of Python files by path, None where a file is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a merge: a piece, and the Python files that it changed, before and after.

    Args:
        paths: All Python files of the tree that it left.
    """

    piece: str
    before: Sources
    after: Sources
    paths: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of a name: `was` and `now` as they read, `now` None where it is gone."""

    path: str
    name: str
    was: str
    now: str | None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A name that one piece changed and another newly uses."""

    changer: str
    user: str
    path: str
    name: str
    was: str
    now: str | None
    at: str

    @property
    def told(self) -> str:
        """The conflict as a sentence."""
        what = f"is gone from {self.path}" if self.now is None else f"is now {self.now}"
        return (
            f"{self.changer!r} and {self.user!r}: {self.name} {what} by {self.changer!r} "
            f"(was {self.was}), and {self.user!r} newly uses it at {self.at}"
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "changer": self.changer,
            "user": self.user,
            "path": self.path,
            "name": self.name,
            "was": self.was,
            "now": self.now,
            "at": self.at,
            "told": self.told,
        }


def changed_names(before: Sources, after: Sources) -> list[Changed]:
    """Return the names that are gone, or that take other calls than before.

    A file that does not parse, or whose names cannot be known, tells nothing.
    """
    found: list[Changed] = []
    for path in sorted(set(before) | set(after)):
        was = _defined(before.get(path))
        if was is None:
            continue
        text = after.get(path)
        now = Defined({}, False) if text is None else _defined(text)
        if now is None:
            continue
        for name, signature in was.names.items():
            told = signature.text if signature else name
            if name not in now.names:
                if not now.is_open:
                    found.append(Changed(path=path, name=name, was=told, now=None))
                continue
            new = now.names[name]
            if signature and new and not new.takes_all_of(signature):
                found.append(Changed(path=path, name=name, was=told, now=new.text, signature=new))
    return found


def added_names(before: Sources, after: Sources) -> list[tuple[str, str]]:
    """Return the path and the reading of every public name that is new, at the top of a file."""
    found: list[tuple[str, str]] = []
    for path in sorted(after):
        now = _defined(after[path])
        was = _defined(before.get(path)) or Defined({}, False)
        for name, signature in now.names.items() if now else ():
            last = name.rpartition(".")[2]
            if name not in was.names and signature and not last.startswith("_"):
                found.append((path, signature.text))
    return found


def find_clashes(changer: Side, user: Side, merged: Sources) -> list[Clash]:
    """Return what one side changed of what the other newly uses.

    Args:
        merged: The files that the changer changed, as the merged tree has them.
    """
    changed: dict[tuple[str, str], Changed] = {}
    for each in changed_names(changer.before, changer.after):
        if _still(each, merged):
            changed[each.path, each.name] = each
    if not changed:
        return []
    modules = modules_of(user.paths | changer.paths | set(changer.before))
    found: dict[tuple[str, str, str], Clash] = {}
    for path, text in sorted(user.after.items()):
        for use in _new_uses(path, user.before.get(path), text):
            target = modules.get(use.module)
            hit = changed.get((target, use.name)) if target and target != path else None
            if hit and not _fits(hit, use):
                clash = Clash(
                    changer=changer.piece,
                    user=user.piece,
                    path=hit.path,
                    name=hit.name,
                    was=hit.was,
                    now=hit.now,
                    at=f"{path}:{use.line}",
                )
                found.setdefault((hit.path, hit.name, path), clash)
    return list(found.values())[:MAX_CLASHES]


def _fits(hit: Changed, use: Use) -> bool:
    """True where a use is no fault: the name is there, and is not called, or called as it now must be."""
    if hit.now is None:
        return False
    return use.call is None or hit.signature is None or hit.signature.takes(use.call)


def _still(each: Changed, merged: Sources) -> bool:
    """True where the merged tree has a name as its changer left it."""
    if each.path not in merged:
        return True
    text = merged[each.path]
    there = Defined({}, False) if text is None else _defined(text)
    if there is None or (there.is_open and each.now is None):
        return False
    if each.now is None:
        return each.name not in there.names
    now = there.names.get(each.name)
    return now is not None and now.text == each.now


def _new_uses(path: str, before: str | None, after: str | None) -> Iterable[Use]:
    tree, was = read_source(after), read_source(before)
    if tree is None:
        return []
    known = {(use.module, use.name, use.call) for use in uses_in(was, path)} if was else set()
    return [use for use in uses_in(tree, path) if (use.module, use.name, use.call) not in known]


def _defined(text: str | None) -> Defined | None:
    tree = read_source(text)
    return defined_in(tree) if tree is not None else None
