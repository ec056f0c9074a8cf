"""Zip archives of JSON files as lines of text.

Owns the unpacking, in memory and within bounds, and the shape of a line. One line per member:
`{"eval_member": NAME, "json": VALUE}` with the member's own bytes for VALUE (line ends become
spaces); where a member is no JSON, `"text"` holds it as a string; where it cannot be unpacked,
`"base64"` holds its bytes as they lie in the archive and `"unreadable"` says why. Nothing of an
archive is left out, and nothing in it is ever written to a disk under its own name.
"""

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

MAX_MEMBER_BYTES = 512 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_MEMBERS = 200_000
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_LOCAL_MARK = b"PK\x03\x04"
_STORED, _DEFLATED, _ZSTANDARD = 0, 8, 93


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    name: str
    method: int
    packed: bytes
    encrypted: bool


def is_archive(data: bytes) -> bool:
    """Return whether bytes begin as a zip archive does."""
    return data.startswith(_LOCAL_MARK)


def unpack_lines(
    data: bytes,
    *,
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES,
) -> bytes:
    """Return an archive's members as lines; see the module for their shape.

    An archive without its directory (a run that was killed) is read from its members' own heads.
    """
    left = max_unpacked_bytes
    lines = []
    for number, member in enumerate(_members(data)):
        if number >= MAX_MEMBERS:
            lines.append(_kept(member, f"over {MAX_MEMBERS} members"))
            continue
        line = _line(member, min(left, max_member_bytes))
        left = max(0, left - len(line))
        lines.append(line)
    return b"".join(lines)


def _members(data: bytes) -> Iterator[_Member]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError):
        yield from _scanned(data)
        return
    for entry in entries:
        start = _content_start(data, entry.header_offset)
        yield _Member(
            name=entry.filename,
            method=entry.compress_type,
            packed=data[start : start + entry.compress_size],
            encrypted=bool(entry.flag_bits & 1),
        )


def _content_start(data: bytes, offset: int) -> int:
    head = data[offset : offset + _LOCAL.size]
    if len(head) < _LOCAL.size:
        return len(data)
    fields = _LOCAL.unpack(head)
    return offset + _LOCAL.size + int(fields[9]) + int(fields[10])


def _scanned(data: bytes) -> Iterator[_Member]:
    """Yield members by their own heads; what belongs to none is a member without a name."""
    position = 0
    while data.startswith(_LOCAL_MARK, position) and len(data) - position >= _LOCAL.size:
        _, _, flags, method, _, _, _, size, _, name_bytes, _ = _LOCAL.unpack_from(data, position)
        start = _content_start(data, position)
        name = data[position + _LOCAL.size :][:name_bytes].decode(errors="replace")
        if flags & 8 or size == 0xFFFFFFFF or start + size > len(data):
            break
        yield _Member(
            name=name, method=method, packed=data[start : start + size], encrypted=bool(flags & 1)
        )
        position = start + size
    if position < len(data):
        yield _Member(name="", method=-1, packed=data[position:], encrypted=False)


def _line(member: _Member, bound: int) -> bytes:
    if member.encrypted:
        return _kept(member, "it is encrypted")
    try:
        content = _unpacked(member, bound)
    except (zlib.error, zstandard.ZstdError, ValueError) as error:
        return _kept(member, f"{error}")
    name = json.dumps(member.name).encode()
    try:
        json.loads(content)
        text = content.replace(b"\r", b" ").replace(b"\n", b" ")
        return b'{"eval_member":' + name + b',"json":' + text.strip() + b"}\n"
    except (ValueError, RecursionError):
        pass
    try:
        return json.dumps({"eval_member": member.name, "text": content.decode()}).encode() + b"\n"
    except UnicodeDecodeError:
        return _kept(member, "it is no text")


def _unpacked(member: _Member, bound: int) -> bytes:
    if member.method == _STORED:
        content = member.packed[: bound + 1]
    elif member.method == _DEFLATED:
        engine = zlib.decompressobj(-15)
        content = engine.decompress(member.packed, bound + 1)
        if not engine.eof and len(content) <= bound:
            raise ValueError("it ends early")
    elif member.method == _ZSTANDARD:
        with zstandard.ZstdDecompressor().stream_reader(member.packed) as stream:
            content = stream.read(bound + 1)
    else:
        raise ValueError("it is packed in an unknown way")
    if len(content) > bound:
        raise ValueError(f"it unpacks to over {bound} bytes")
    return content


def _kept(member: _Member, reason: str) -> bytes:
    packed = base64.b64encode(member.packed).decode()
    line = {"eval_member": member.name, "unreadable": reason, "base64": packed}
    return json.dumps(line).encode() + b"\n"
