"""order.py: lines "a: b c" on stdin mean a needs b and c; prints an order or exits 1."""
import sys
from graphlib import CycleError, TopologicalSorter

needs = {}
for line in sys.stdin:
    name, _, rest = line.partition(":")
    if name.strip():
        needs.setdefault(name.strip(), set()).update(rest.split())
sorter = TopologicalSorter(needs)
try:
    sorter.prepare()
except CycleError:
    print("circle", file=sys.stderr)
    sys.exit(1)
while sorter.is_active():
    ready = sorted(sorter.get_ready())
    for name in ready:
        print(name)
    sorter.done(*ready)
