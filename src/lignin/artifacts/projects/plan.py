"""What goes into one file, and what is to be taken out of it again. Pure: bytes in, bytes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lignin.artifacts.projects.jsonc import parse_places
from lignin.artifacts.projects.marked import Marked, cut
from lignin.artifacts.projects.place import Place
from lignin.artifacts.projects.record import FileMark, Put
from lignin.artifacts.projects.sections import put_section, section_stands, take_section
from lignin.artifacts.projects.settings import (
    Setting,
    how_it_stands,
    put_setting,
    take_setting,
)
from lignin.domain.codec import digest_bytes
from lignin.domain.errors import InvalidRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was left as it is: the part, and why."""

    part: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A file with what clients need in it.

    Args:
        after: Its bytes and which are ours; equal to what was where nothing goes in.
        puts: What went in, for the record.
        there: Parts that stood in it already.
    """

    after: Marked
    puts: tuple[Put, ...] = ()
    kept: tuple[Kept, ...] = ()
    there: tuple[str, ...] = ()


def fill(before: bytes | None, places: Sequence[Place]) -> Filled:
    """Put what several places ask for into one file. Each part goes in whole, or not at all.

    Raises:
        InvalidRequestError: The file does not parse.
    """
    done = Filled(after=Marked(before or b""))
    for place in places:
        done = _with_settings(done, place.settings)
        if place.section is not None:
            done = _with_section(done, place)
    return done


def _with_settings(done: Filled, settings: Sequence[Setting]) -> Filled:
    root = parse_places(done.after.content) if settings else None
    stand = [(setting, how_it_stands(root, setting)) for setting in settings]
    taken = {setting.part: None for setting in settings}
    for part in taken:
        mine = [(setting, stands) for setting, stands in stand if setting.part == part]
        others = [f"{each.name}: {stands.why}" for each, stands in mine if stands.how == "other"]
        if others:
            kept = Kept(part=part, why="; ".join(others))
            done = replace(done, kept=(*done.kept, kept))
            continue
        missing = [setting for setting, stands in mine if stands.how == "absent"]
        after, puts = done.after, list(done.puts)
        for setting in missing:
            after, made = put_setting(after, setting)
            puts.append(Put.of_setting(setting, made))
        there = done.there if missing or part in done.there else (*done.there, part)
        done = replace(done, after=after, puts=tuple(puts), there=there)
    return done


def _with_section(done: Filled, place: Place) -> Filled:
    section = place.section
    assert section is not None
    stands = section_stands(done.after.content, section)
    if stands == "absent":
        try:
            after = put_section(done.after, section)
        except InvalidRequestError as error:  # the file itself was read without one
            kept = Kept(part=section.part, why=f"{error.message}; {error.hint}")
            return replace(done, kept=(*done.kept, kept))
        return replace(done, after=after, puts=(*done.puts, Put.of_section(section)))
    if stands == "same":
        shared = any(put.is_section and put.at == section.at for put in done.puts)
        if shared or section.part in done.there:
            return done  # two clients share the file
        return replace(done, there=(*done.there, section.part))
    kept = Kept(part=section.part, why="it is there, changed by hand or by somebody else")
    if kept in done.kept:
        return done
    return replace(done, kept=(*done.kept, kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A file without what was put in; `after` None where it is not to be there."""

    how: Literal["exactly", "partly", "nothing to do"]
    after: bytes | None
    kept: tuple[Kept, ...] = ()


def empty(current: bytes | None, marks: Sequence[FileMark]) -> Emptied:
    """Take out of a file what several runs put in.

    As long as it is byte for byte as a run left it, the bytes of that run are cut out. Once somebody
    edited it, each thing goes only where it stands as it was written; the rest stays and is told.

    Args:
        marks: What each run put in, the latest first.
    """
    kept: list[Kept] = []
    how: Literal["exactly", "partly", "nothing to do"] = "nothing to do"
    for mark in marks:
        digest = "" if current is None else digest_bytes(current)
        if digest == mark.before or current is None:
            continue
        if digest == mark.after:
            original = cut(current, mark.ours)
            current = None if not mark.before else original
            how = "exactly" if how == "nothing to do" else how
            continue
        how = "partly"
        current = _taken_out(current, mark, kept)
    return Emptied(how=how, after=current, kept=tuple(kept))


def _taken_out(current: bytes, mark: FileMark, kept: list[Kept]) -> bytes | None:
    for put in reversed(mark.puts):
        if put.is_section:
            current, stood = take_section(current, put.section())
            why = "the section was changed by hand" if stood == "other" else ""
        else:
            current, stands = take_setting(
                current, put.setting(), [tuple(path) for path in put.made]
            )
            why = f"{put.setting().name}: {stands.why}" if stands.how == "other" else ""
        if why:
            kept.append(Kept(part=put.part, why=why))
    if mark.before:
        return current
    is_json = any(not put.is_section for put in mark.puts)
    left = current.strip()
    return None if left == b"" or (is_json and not kept and _says_nothing(current)) else current


def _says_nothing(content: bytes) -> bool:
    root = parse_places(content)
    return root is not None and root.value() == {} and b"/" not in content
