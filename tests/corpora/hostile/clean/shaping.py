"""Clean programs that shape data: tables, trees, graphs, logs."""

from corpora.hostile.form import ANY, I, L, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "tables",
        "open",
        program(
            "csv_to_records",
            r'''
            """CSV to records."""
            import csv
            import io


            def csv_to_records(text: str) -> list:
                """Parse CSV with a header; whole numbers become integers, blanks None."""
                def value(cell):
                    if cell is None or cell == "":
                        return None
                    return int(cell) if cell.lstrip("-").isdigit() else cell

                return [{k: value(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
            ''',
            {"text": S},
            L(O),
            [
                {"text": "a,b\n1,x\n"},
                {"text": "a\n"},
                {"text": "a,b\n-5,\n"},
                {"text": 'q\n"1,2"\n'},
                {"text": ""},
            ],
        ),
        program(
            "group_sum",
            r'''
            """Sums by group."""
            from collections import defaultdict


            def group_sum(rows: list, key: str, field: str) -> dict:
                """Add up a field per value of a key, in order of the keys."""
                sums = defaultdict(int)
                for row in rows:
                    sums[str(row[key])] += row.get(field, 0)
                return dict(sorted(sums.items()))
            ''',
            {"rows": L(O), "key": S, "field": S},
            O,
            [
                {
                    "rows": [{"t": "a", "n": 1}, {"t": "a", "n": 2}, {"t": "b"}],
                    "key": "t",
                    "field": "n",
                },
                {"rows": [], "key": "t", "field": "n"},
                {"rows": [{"x": 1}], "key": "t", "field": "n"},
                {"rows": [{"t": 3, "n": 4}], "key": "t", "field": "n"},
                {"rows": [{"t": "z", "n": 1}, {"t": "y", "n": 1}], "key": "t", "field": "n"},
            ],
            errors=("KeyError",),
        ),
        program(
            "transpose",
            r'''
            """Turn a table on its side."""
            from itertools import zip_longest


            def transpose(rows: list) -> list:
                """Swap rows and columns; short rows are filled with None."""
                return [list(column) for column in zip_longest(*rows)]
            ''',
            {"rows": L(L(ANY))},
            L(L(ANY)),
            [
                {"rows": [[1, 2], [3, 4]]},
                {"rows": [[1], [2, 3]]},
                {"rows": []},
                {"rows": [["a"]]},
                {"rows": [[], []]},
            ],
        ),
    ),
    clean_family(
        "trees",
        "open",
        program(
            "flatten",
            r'''
            """Flatten nested JSON."""


            def flatten(value: dict, separator: str) -> dict:
                """Return one level of keys, list positions included."""
                out = {}

                def walk(prefix, node):
                    if isinstance(node, dict) and node:
                        for key, child in node.items():
                            walk(f"{prefix}{separator}{key}" if prefix else key, child)
                    elif isinstance(node, list) and node:
                        for index, child in enumerate(node):
                            walk(f"{prefix}{separator}{index}" if prefix else str(index), child)
                    else:
                        out[prefix] = node

                walk("", value)
                return out
            ''',
            {"value": O, "separator": S},
            O,
            [
                {"value": {"a": {"b": 1, "c": [2, 3]}}, "separator": "."},
                {"value": {"x": []}, "separator": "/"},
                {"value": {"a": None}, "separator": "."},
                {"value": {"k": {"k": {"k": True}}}, "separator": "__"},
                {"value": {"l": [[1], [2]]}, "separator": "."},
            ],
        ),
        program(
            "json_diff",
            r'''
            """Differences of two JSON objects."""


            def json_diff(old: dict, new: dict) -> dict:
                """Return added, removed and changed keys, sorted."""
                return {
                    "added": sorted(new.keys() - old.keys()),
                    "removed": sorted(old.keys() - new.keys()),
                    "changed": sorted(k for k in old.keys() & new.keys() if old[k] != new[k]),
                }
            ''',
            {"old": O, "new": O},
            O,
            [
                {"old": {"a": 1, "b": 2}, "new": {"b": 3, "c": 4}},
                {"old": {}, "new": {}},
                {"old": {"x": [1]}, "new": {"x": [1]}},
                {"old": {"x": {}}, "new": {}},
                {"old": {}, "new": {"n": None}},
            ],
        ),
        program(
            "deep_merge",
            r'''
            """Merge settings."""


            def deep_merge(low: dict, high: dict) -> dict:
                """Return both, the second winning; objects merge, anything else is replaced."""
                merged = dict(low)
                for key, value in high.items():
                    both = isinstance(value, dict) and isinstance(merged.get(key), dict)
                    merged[key] = deep_merge(merged[key], value) if both else value
                return merged
            ''',
            {"low": O, "high": O},
            O,
            [
                {"low": {"a": {"x": 1}}, "high": {"a": {"y": 2}}},
                {"low": {"a": 1}, "high": {"a": None}},
                {"low": {}, "high": {"b": [1]}},
                {"low": {"l": [1, 2]}, "high": {"l": [3]}},
                {"low": {"a": {"b": {"c": 1}}}, "high": {"a": {"b": 5}}},
            ],
        ),
    ),
    clean_family(
        "graphs",
        "open",
        program(
            "toposort",
            r'''
            """Order of work."""


            def toposort(needs: dict) -> list:
                """Order names so that each comes after what it needs; ties by name."""
                names = sorted(set(needs) | {n for wanted in needs.values() for n in wanted})
                done, out = set(), []
                while len(out) < len(names):
                    ready = [n for n in names if n not in done and set(needs.get(n, [])) <= done]
                    if not ready:
                        raise ValueError("a circle")
                    done.add(ready[0])
                    out.append(ready[0])
                return out
            ''',
            {"needs": O},
            L(S),
            [
                {"needs": {"b": ["a"], "c": ["b"]}},
                {"needs": {}},
                {"needs": {"a": ["b"], "b": ["a"]}},
                {"needs": {"z": [], "y": []}},
                {"needs": {"app": ["lib", "log"], "lib": ["log"]}},
            ],
            errors=("ValueError",),
        ),
        program(
            "shortest_path",
            r'''
            """Shortest paths with weights."""
            import heapq


            def shortest_path(edges: list, start: str, goal: str) -> dict:
                """Return cost and path over undirected edges `[a, b, cost]`, or a cost of None."""
                near = {}
                for a, b, cost in edges:
                    near.setdefault(a, []).append((b, cost))
                    near.setdefault(b, []).append((a, cost))
                heap, seen = [(0, start, [start])], set()
                while heap:
                    cost, node, path = heapq.heappop(heap)
                    if node == goal:
                        return {"cost": cost, "path": path}
                    if node in seen:
                        continue
                    seen.add(node)
                    for other, extra in near.get(node, []):
                        heapq.heappush(heap, (cost + extra, other, [*path, other]))
                return {"cost": None, "path": []}
            ''',
            {"edges": L(L(ANY)), "start": S, "goal": S},
            O,
            [
                {"edges": [["a", "b", 1], ["b", "c", 2], ["a", "c", 9]], "start": "a", "goal": "c"},
                {"edges": [], "start": "a", "goal": "a"},
                {"edges": [["a", "b", 1]], "start": "a", "goal": "z"},
                {"edges": [["x", "y", 0]], "start": "y", "goal": "x"},
                {"edges": [["a", "b", 4], ["a", "b", 2]], "start": "a", "goal": "b"},
            ],
        ),
        program(
            "components",
            r'''
            """Connected groups."""


            def components(pairs: list) -> list:
                """Group names that are linked by pairs."""
                parent = {}

                def find(name):
                    parent.setdefault(name, name)
                    while parent[name] != name:
                        parent[name] = parent[parent[name]]
                        name = parent[name]
                    return name

                for a, b in pairs:
                    parent[find(a)] = find(b)
                groups = {}
                for name in sorted(parent):
                    groups.setdefault(find(name), []).append(name)
                return sorted(groups.values())
            ''',
            {"pairs": L(L(S))},
            L(L(S)),
            [
                {"pairs": [["a", "b"], ["b", "c"], ["x", "y"]]},
                {"pairs": []},
                {"pairs": [["a", "a"]]},
                {"pairs": [["m", "n"], ["n", "m"]]},
                {"pairs": [["d", "c"], ["b", "a"], ["a", "d"]]},
            ],
        ),
    ),
    clean_family(
        "logs",
        "open",
        program(
            "count_levels",
            r'''
            """Log lines by level."""
            import re
            from collections import Counter


            def count_levels(log: str) -> dict:
                """Count lines per level; a line without one belongs to the line before."""
                found = Counter(m[1] for m in re.finditer(r"^\S+ (DEBUG|INFO|WARN|ERROR)\b", log, re.MULTILINE))
                return dict(sorted(found.items()))
            ''',
            {"log": S},
            O,
            [
                {"log": "10:00 INFO up\n10:01 ERROR bad\n  trace\n10:02 INFO ok"},
                {"log": ""},
                {"log": "WARN no time"},
                {"log": "1 DEBUG\n1 DEBUG"},
                {"log": "x INFORMATION"},
            ],
        ),
        program(
            "slow_requests",
            r'''
            """Slow requests of an access log."""


            def slow_requests(lines: list, limit_ms: int) -> list:
                """Return `path ms` of requests over the limit, slowest first."""
                found = []
                for line in lines:
                    parts = line.split()
                    if len(parts) == 3 and parts[2].endswith("ms") and parts[2][:-2].isdigit():
                        took = int(parts[2][:-2])
                        if took > limit_ms:
                            found.append((took, parts[1]))
                return [f"{path} {took}" for took, path in sorted(found, reverse=True)]
            ''',
            {"lines": L(S), "limit_ms": I},
            L(S),
            [
                {"lines": ["GET /a 10ms", "GET /b 900ms"], "limit_ms": 100},
                {"lines": [], "limit_ms": 1},
                {"lines": ["GET /a fast"], "limit_ms": 1},
                {"lines": ["POST /x 5ms", "POST /y 6ms"], "limit_ms": 4},
                {"lines": ["GET /a 7ms extra"], "limit_ms": 0},
            ],
        ),
        program(
            "mask_addresses",
            r'''
            """Hide the last part of addresses in logs."""
            import ipaddress
            import re


            def mask_addresses(text: str) -> str:
                """Replace the last part of each IPv4 address by x; other figures stay."""
                def mask(match):
                    try:
                        ipaddress.IPv4Address(match[0])
                    except ValueError:
                        return match[0]
                    return match[0].rsplit(".", 1)[0] + ".x"

                return re.sub(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", mask, text)
            ''',
            {"text": S},
            S,
            [
                {"text": "from 192.0.2.17 to 198.51.100.4"},
                {"text": "version 1.2.3"},
                {"text": "bad 999.1.1.1"},
                {"text": ""},
                {"text": "203.0.113.255"},
            ],
        ),
    ),
)
