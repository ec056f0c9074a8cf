"""checksum.py FILES...: sha256 and name of each file."""
import hashlib
import sys
from pathlib import Path

status = 0
for name in sys.argv[1:]:
    try:
        print(hashlib.sha256(Path(name).read_bytes()).hexdigest(), name)
    except OSError as error:
        print(f"{name}: {error.strerror}", file=sys.stderr)
        status = 1
sys.exit(status)
