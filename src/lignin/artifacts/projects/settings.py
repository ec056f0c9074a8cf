"""Put settings into a JSON file where it stands, and take them out of one that was edited since. Pure.

Only ever inserts: comments, order, indentation, line ends and a missing final newline stay. What is there
under the same name is never changed.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lignin.artifacts.projects.jsonc import Member, Node, parse_places, walk
from lignin.artifacts.projects.marked import Marked, cut, line_end_of
from lignin.domain.codec import Json
from lignin.domain.errors import IntegrityError, InvalidRequestError

_INDENT = re.compile(rb"[ \t]*")
_ENDING = re.compile(rb"[ \t]*\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value at a path of names; with a `sign` one item of the list there.

    Args:
        part: What it is for ("MCP server"); of one part all settings go in, or none.
        sign: A text that tells our item in the list, whatever else was changed in it.
    """

    path: tuple[str, ...]
    value: Json
    part: str
    sign: str = ""

    @property
    def name(self) -> str:
        """The path as one reads it."""
        return ".".join(self.path) + ("[]" if self.sign else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """How a setting stands in a file: `absent`, `same` or `other` (then `why` says what is there)."""

    how: str
    why: str = ""


def how_it_stands(root: Node | None, setting: Setting) -> Stands:
    """Whether a setting may go in, is there, or something else is in its place.

    Raises:
        InvalidRequestError: A value on the way is of another kind, so that it cannot go in.
    """
    if root is None:
        return Stands(how="absent")
    nodes = list(walk(root, setting.path))
    reached = nodes[-1]
    if len(nodes) <= len(setting.path):
        if reached.kind != "object":
            place = ".".join(setting.path[: len(nodes) - 1]) or "the file"
            raise InvalidRequestError(
                f"{place} is no object, so {setting.name} cannot go in",
                hint="repair the file, then run it again",
            )
        return Stands(how="absent")
    if not setting.sign:
        same = reached.value() == setting.value
        return Stands(how="same") if same else Stands(how="other", why="another value is there")
    if reached.kind != "list":
        raise InvalidRequestError(
            f"{'.'.join(setting.path)} is no list", hint="repair the file, then run it again"
        )
    signed = [each for each in reached.members if _is_signed(each.node, setting.sign)]
    if not signed:
        return Stands(how="absent")
    if any(each.node.value() == setting.value for each in signed):
        return Stands(how="same")
    return Stands(how="other", why="it is there, changed by hand")


def _is_signed(node: Node, sign: str) -> bool:
    return sign in json.dumps(node.value(), ensure_ascii=False)


def put_setting(marked: Marked, setting: Setting) -> tuple[Marked, tuple[tuple[str, ...], ...]]:
    """The file with a setting that is absent in it, and the paths of the containers made for it.

    Raises:
        IntegrityError: What would come out does not say what it should; nothing may be written.
    """
    root = parse_places(marked.content)
    item: Json = [setting.value] if setting.sign else setting.value
    if root is None:
        node, known = None, 0
        added = _wrapped(setting.path, item)
        made = [setting.path[:depth] for depth in range(len(setting.path))]
        end = line_end_of(marked.content)
        text = _dumped(added, b"  ", end, b"") + end
        lead = b"" if not marked.content.strip() or marked.content.endswith(b"\n") else end
        done = marked.insert(len(marked.content), lead + text)
    else:
        nodes = list(walk(root, setting.path))
        node, known = nodes[-1], len(nodes) - 1
        if known == len(setting.path):
            key, added, made = None, setting.value, []
        else:
            key, added = setting.path[known], _wrapped(setting.path[known + 1 :], item)
            made = [setting.path[:depth] for depth in range(known + 1, len(setting.path))]
        done = _inserted(marked, root, node, key, added)
    if setting.sign and (node is None or known < len(setting.path)):
        made.append(setting.path)
    _require_put(root, done, setting)
    return done, tuple(made)


def _wrapped(path: Sequence[str], value: Json) -> Json:
    for key in reversed(path):
        value = {key: value}
    return value


def _require_put(before: Node | None, after: Marked, setting: Setting) -> None:
    root = parse_places(after.content)
    expected = before.value() if before is not None else {}
    place = expected
    assert isinstance(place, dict)
    for key in setting.path[:-1]:
        place = place.setdefault(key, {})
    last = setting.path[-1]
    if setting.sign:
        place.setdefault(last, []).append(setting.value)
    else:
        place[last] = setting.value
    if root is None or root.value() != expected:
        raise IntegrityError(
            f"putting {setting.name} in would change what else the file says",
            hint="a bug in Lignin: the file was left as it is; please report it",
        )


def _inserted(marked: Marked, root: Node, node: Node, key: str | None, value: Json) -> Marked:
    data = marked.content
    end, unit = line_end_of(data), _unit(data, root)
    first = node.members[0] if node.members else None
    last = node.members[-1] if node.members else None
    name = b"" if key is None else json.dumps(key, ensure_ascii=False).encode() + b": "
    outer = _indent_at(data, node.start)
    if last is None or first is None:
        lead = end + outer + unit + name + _dumped(value, unit, end, outer + unit)
        closed = b"\n" in data[node.inner_end : node.end]
        return marked.insert(node.inner_end, lead if closed else lead + end + outer)
    if b"\n" not in data[node.start : first.start]:  # all on one line
        at = last.node.end if last.comma < 0 else last.comma + 1
        text = name + json.dumps(value, ensure_ascii=False).encode()
        return marked.insert(at, b", " + text if last.comma < 0 else b" " + text + b",")
    indent = _indent_at(data, first.start)
    text = end + indent + name + _dumped(value, unit, end, indent)
    if last.comma >= 0:
        return marked.insert(node.inner_end, text + b",")
    return marked.insert(node.inner_end, text).insert(last.node.end, b",")


def _dumped(value: Json, unit: bytes, end: bytes, indent: bytes) -> bytes:
    lines = json.dumps(value, ensure_ascii=False, indent=unit.decode()).encode().split(b"\n")
    return (end + indent).join(lines)


def _indent_at(data: bytes, at: int) -> bytes:
    """The indentation of the line that an offset is on."""
    found = _INDENT.match(data, data.rfind(b"\n", 0, at) + 1)
    assert found is not None
    return found[0][: max(0, at - found.start())]


def _unit(data: bytes, root: Node) -> bytes:
    """One step of indentation, as the file has it."""
    if root.members and b"\n" in data[root.start : root.members[0].start]:
        return _indent_at(data, root.members[0].start) or b"  "
    return b"  "


def take_setting(
    content: bytes, setting: Setting, made: Sequence[tuple[str, ...]]
) -> tuple[bytes, Stands]:
    """The file without a setting, where it stands there as we wrote it; else as it is, and why.

    Containers that were made for it go too, where nothing else is in them.
    """
    root = parse_places(content)
    if root is None:
        return content, Stands(how="absent")
    stands = how_it_stands(root, setting)
    if stands.how != "same":
        return content, stands
    nodes = list(walk(root, setting.path))
    if setting.sign:
        owner = nodes[-1]
        member = next(each for each in owner.members if each.node.value() == setting.value)
    else:
        owner, member = nodes[-2], _named(nodes[-2], setting.path[-1])
    content = _without(content, owner, member)
    for path in sorted(made, key=len, reverse=True):
        root = parse_places(content)
        nodes = list(walk(root, path)) if root is not None else []
        if not path or len(nodes) <= len(path) or nodes[-1].members:
            continue
        if nodes[-1].inner_end == nodes[-1].start + 1:  # no comment of a person's in it
            content = _without(content, nodes[-2], _named(nodes[-2], path[-1]))
    return content, stands


def _named(node: Node, key: str) -> Member:
    member = node.member(key)
    assert member is not None
    return member


def _without(content: bytes, owner: Node, member: Member) -> bytes:
    """Cut one entry out, with the space before it and one comma."""
    start = member.start
    while content[start - 1 : start] in {b" ", b"\t", b"\r", b"\n"}:
        start -= 1
    spans = [(start, member.node.end)]
    number = owner.members.index(member)
    if member.comma >= 0:
        spans.append((member.comma, member.comma + 1))
    elif number:
        comma = owner.members[number - 1].comma
        spans.append((comma, comma + 1))
    after = member.comma + 1 if member.comma >= 0 else member.node.end
    if _ends_in_line_comment(content, start) and not _ENDING.match(content, after):
        spans[0] = (member.start, member.node.end)  # the line end closes the comment
    return cut(content, spans)


def _ends_in_line_comment(content: bytes, at: int) -> bool:
    line = content[content.rfind(b"\n", 0, at) + 1 : at]
    return b"//" in line
