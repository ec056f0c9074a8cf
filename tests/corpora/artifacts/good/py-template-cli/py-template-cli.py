"""fill.py TEMPLATE_FILE: fill $names from JSON on stdin, exit 1 for a missing one."""
import json
import string
import sys
from pathlib import Path

try:
    template = string.Template(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(template.substitute(json.load(sys.stdin)))
except KeyError as error:
    sys.exit(f"missing {error}")
except (OSError, ValueError, IndexError, TypeError) as error:
    sys.exit(f"cannot fill: {error}")
