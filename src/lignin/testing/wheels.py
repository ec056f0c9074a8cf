"""Tiny wheels, made on the spot: what the tests of the wheel cache live on."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, bytes | str] | None = None,
    *,
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    says: str = "",
    unrecorded: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a wheel and return its path.

    Args:
        files: What is in it, by path; a module `<name>.py` with its `VERSION` where not given.
        says: The name in its metadata, where that is another.
        unrecorded: Files that its record does not mention.
    """
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    given = {f"{stem}.py": f"VERSION = {version!r}\n"} if files is None else files
    pure = str(tag.endswith("none-any")).lower()
    metadata = f"Metadata-Version: 2.1\nName: {says or name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    extras = {text.split('"')[1] for text in requires if "extra ==" in text}
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in sorted(extras))
    content = {
        path: text.encode() if isinstance(text, str) else text for path, text in given.items()
    }
    content[f"{info}/METADATA"] = metadata.encode()
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode()
    record = "".join(f"{path},{_hash(raw)},{len(raw)}\n" for path, raw in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{stem}-{version}-{tag}.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, raw in {**content, **(unrecorded or {})}.items():
            archive.writestr(
                zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), raw, zipfile.ZIP_DEFLATED
            )
    return made


def _hash(raw: bytes) -> str:
    plain = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return f"sha256={plain}"
