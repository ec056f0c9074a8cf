"""jsonl_filter.py KEY VALUE: lines of JSON on stdin whose KEY equals VALUE as text; bad lines are counted on stderr."""
import json
import sys

key, value = sys.argv[1], sys.argv[2]
bad = 0
for line in sys.stdin:
    try:
        record = json.loads(line)
    except ValueError:
        bad += bool(line.strip())
        continue
    if isinstance(record, dict) and key in record and str(record[key]) == value:
        print(json.dumps(record, sort_keys=True))
if bad:
    print(f"{bad} bad lines", file=sys.stderr)
