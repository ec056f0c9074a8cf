"""dupes.py FOLDER: groups of files with the same content, sorted."""
import hashlib
import sys
from pathlib import Path

root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
if not root.is_dir():
    sys.exit(f"no folder: {root}")
groups: dict[str, list[str]] = {}
for path in sorted(p for p in root.rglob("*") if p.is_file()):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    groups.setdefault(digest, []).append(path.relative_to(root).as_posix())
for group in sorted(g for g in groups.values() if len(g) > 1):
    print(" ".join(group))
