"""Programs written to tune the checks on: good ones, and faulty ones with what is wrong with them.

A faulty program's examples come from the good program of the same name, as a recorder that watched
the right behaviour would have written them down.
"""

from contextlib import chdir
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from lignin.artifacts.kind import Kind
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree, make_tree
from lignin.domain.candidates import Refusal
from lignin.domain.examples import Example

PROGRAM_CHECKS = (
    "examples", "held_out", "totality", "determinism", "effects", "memorised", "own_tests",
    "sandbox_marks", "static"
)  # fmt: skip


def make_kinds() -> dict[str, Kind]:
    def kind(name: str, executable: bool, checks: tuple[str, ...]) -> Kind:
        return Kind(
            name=name,
            executable=executable,
            checks=checks,
            recognise=lambda snippet, provenance: None,
            read=lambda snippet, provenance: Refusal(
                name=name, reason="told by its manifest", provenance=provenance
            ),
            summary=lambda tree: name,
            precedence=1,
        )

    return {
        "program": kind("program", True, PROGRAM_CHECKS),
        "script": kind("script", True, PROGRAM_CHECKS),
        "skill": kind("skill", False, ("format",)),
        "prompt": kind("prompt", False, ("format",)),
        "test": kind("test", True, ("mutants",)),
    }


def obj(required: bool = True, **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema | ({"required": list(properties)} if required else {})


INT, NUM, STR, BOOL = ({"type": name} for name in ("integer", "number", "string", "boolean"))


def arr(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A good program, the inputs that were recorded, and its contract."""

    source: str
    inputs: list[dict[str, Any]]
    schema: dict[str, Any]
    output: dict[str, Any] = field(default_factory=dict)
    capabilities: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)

    def examples(self) -> list[Example]:
        space: dict[str, Any] = {"__name__": "good"}
        exec(compile(self.source, "good", "exec"), space)
        found = []
        with TemporaryDirectory() as folder, chdir(folder):  # some write files
            for arguments in self.inputs:
                try:
                    found.append(Example(arguments=arguments, result=space["main"](**arguments)))
                except Exception as error:
                    found.append(Example(arguments=arguments, error=type(error).__name__))
        return found

    def tree(self, source: str | None = None, **extra: str) -> Tree:
        manifest = Manifest(
            kind="program",
            entry="main.py:main",
            runtime="python",
            interface=Interface(input=self.schema, output=self.output, errors=self.errors),
            capabilities=Capabilities(**self.capabilities),
        )
        texts = {"main.py": source or self.source} | self.extra | extra
        files = {path: File(content=text.encode()) for path, text in texts.items()}
        return make_tree(files | {"lignin.json": manifest.to_file()})


GOOD: dict[str, Spec] = {
    "slugify": Spec(
        source="""
import re
import unicodedata
def main(text):
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
""",
        inputs=[
            {"text": t}
            for t in ["Hello World", "A  b", "Crème brûlée!", "x", "2024 Plan: go", "--a--"]
        ],
        schema=obj(text=STR),
        output=STR,
    ),
    "mean": Spec(
        source="def main(values):\n    return sum(values) / len(values)\n",
        inputs=[{"values": v} for v in [[1, 2, 3], [4.5], [10, 20], [0.1, 0.2, 0.3], [7, 7, 8]]],
        schema=obj(values=arr(NUM)),
        output=NUM,
    ),
    "roman": Spec(
        source="""
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
def main(numeral):
    total = 0
    for this, following in zip(numeral, numeral[1:] + " "):
        value = VALUES[this]
        total += -value if value < VALUES.get(following, 0) else value
    return total
""",
        inputs=[{"numeral": n} for n in ["XIV", "MCMXCIV", "III", "IX", "XL", "CDXLIV", "MM"]],
        schema=obj(numeral=STR),
        output=INT,
    ),
    "http_status": Spec(
        source="""
NAMES = {200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found",
         304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
         404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 410: "Gone",
         418: "I'm a teapot", 422: "Unprocessable Entity", 429: "Too Many Requests",
         500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
def main(code):
    return NAMES.get(code, "Unknown")
""",
        inputs=[{"code": c} for c in [200, 404, 500, 301, 429, 999]],
        schema=obj(code=INT),
        output=STR,
    ),
    "weekday": Spec(
        source="""
DAYS = {"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 7}
def main(name):
    try:
        return DAYS[name.strip().lower()]
    except KeyError:
        raise ValueError(f"no weekday: {name}") from None
""",
        inputs=[
            {"name": n}
            for n in ["monday", "Tuesday", "wednesday", "friday", "sunday", "saturday", "thursday"]
        ],
        schema=obj(name=STR),
        output=INT,
    ),
    "days_between": Spec(
        source="""
from datetime import date
def main(start, end):
    return (date.fromisoformat(end) - date.fromisoformat(start)).days
""",
        inputs=[
            {"start": a, "end": b}
            for a, b in [
                ("2024-01-01", "2024-03-01"),
                ("2023-12-31", "2024-01-01"),
                ("2024-02-28", "2024-02-29"),
                ("2020-05-05", "2020-05-05"),
                ("2021-07-09", "2020-07-09"),
            ]
        ],
        schema=obj(start=STR, end=STR),
        output=INT,
    ),
    "cagr": Spec(
        source="def main(start, end, years):\n    return round((end / start) ** (1 / years) - 1, 4)\n",
        inputs=[
            {"start": a, "end": b, "years": y}
            for a, b, y in [
                (100.0, 200.0, 5),
                (50.0, 75.0, 2),
                (10.0, 5.0, 3),
                (1.0, 8.0, 3),
                (7.0, 7.5, 1),
            ]
        ],
        schema=obj(start=NUM, end=NUM, years=INT),
        output=NUM,
    ),
    "group_sum": Spec(
        source="""
def main(rows, key, value):
    totals = {}
    for row in rows:
        totals[row[key]] = totals.get(row[key], 0) + row[value]
    return totals
""",
        inputs=[
            {
                "rows": [{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 3}],
                "key": "k",
                "value": "n",
            },
            {"rows": [{"c": "x", "t": 10}], "key": "c", "value": "t"},
            {"rows": [{"k": "q", "n": 5}, {"k": "q", "n": 6}], "key": "k", "value": "n"},
            {"rows": [], "key": "k", "value": "n"},
        ],
        schema=obj(rows=arr({"type": "object"}), key=STR, value=STR),
        output={"type": "object"},
    ),
    "fib": Spec(
        source="def main(n):\n    return n if n < 2 else main(n - 1) + main(n - 2)\n",
        inputs=[{"n": n} for n in [0, 1, 5, 10, 12, 18]],
        schema=obj(n={"type": "integer", "minimum": 0}),
        output=INT,
    ),
    "is_prime": Spec(
        source="""
def main(n):
    if n < 2:
        return False
    if n in (2, 3):
        return True
    return all(n % d for d in range(2, int(n ** 0.5) + 1))
""",
        inputs=[{"n": n} for n in [1, 2, 3, 4, 9, 13, 97, 100]],
        schema=obj(n=INT),
        output=BOOL,
    ),
    "grade": Spec(
        source="""
def main(score):
    if score < 0 or score > 100:
        raise ValueError("score out of range")
    if score >= 90:
        return "excellent"
    if score >= 70:
        return "good enough"
    return "needs more work" if score >= 50 else "not passed"
""",
        inputs=[{"score": s} for s in [95, 71, 55, 10, 90]],
        schema=obj(score=INT),
        output=STR,
    ),
    "parse_log": Spec(
        source="""
import re
LINE = re.compile(r"^(\\S+) (INFO|WARN|ERROR) (.*)$")
def main(text):
    found = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            found.append({"at": match[1], "level": match[2], "message": match[3]})
    return found
""",
        inputs=[
            {"text": t}
            for t in [
                "10:00 INFO start\n10:01 ERROR disk full",
                "x",
                "",
                "09:59 WARN low memory\nbad line\n10:00 INFO ok",
            ]
        ],
        schema=obj(text=STR),
        output=arr({"type": "object"}),
    ),
    "permutations": Spec(
        source="from itertools import permutations\ndef main(items):\n    return [list(p) for p in permutations(items)]\n",
        inputs=[{"items": v} for v in [[1, 2, 3], [1], [4, 5], [1, 2, 3, 4]]],
        schema=obj(items=arr(INT)),
        output=arr(arr(INT)),
    ),
    "unique": Spec(
        source="def main(items):\n    return sorted(set(items))\n",
        inputs=[{"items": v} for v in [["b", "a"], ["x", "x"], ["k", "j", "i"], []]],
        schema=obj(items=arr(STR)),
        output=arr(STR),
    ),
    "matrix": Spec(
        source="def main(a, b):\n    return [[sum(x * y for x, y in zip(r, c)) for c in zip(*b)] for r in a]\n",
        inputs=[
            {"a": [[1, 2], [3, 4]], "b": [[5, 6], [7, 8]]},
            {"a": [[1]], "b": [[9]]},
            {"a": [[1, 0], [0, 1]], "b": [[2, 3], [4, 5]]},
            {"a": [[2, 2]], "b": [[1], [1]]},
        ],
        schema=obj(a=arr(arr(NUM)), b=arr(arr(NUM))),
        output=arr(arr(NUM)),
    ),
    "write_report": Spec(
        source="""
def main(title, lines):
    with open("report.txt", "w") as stream:
        stream.write("\\n".join([title, *lines]))
    return {"file": "report.txt", "lines": len(lines)}
""",
        inputs=[
            {"title": t, "lines": v}
            for t, v in [("A", ["x"]), ("B", []), ("C", ["1", "2"]), ("D", ["a", "b", "c"])]
        ],
        schema=obj(title=STR, lines=arr(STR)),
        capabilities={"paths": ["report.txt"]},
    ),
    "convert": Spec(
        source="""
FACTORS = {"m": 1.0, "km": 1000.0, "cm": 0.01, "mi": 1609.344}
def main(value, unit, to="m"):
    if unit not in FACTORS or to not in FACTORS:
        raise KeyError(f"unknown unit {unit} or {to}")
    return value * FACTORS[unit] / FACTORS[to]
""",
        inputs=[
            {"value": 5, "unit": "km"},
            {"value": 3.5, "unit": "mi", "to": "km"},
            {"value": 120, "unit": "cm", "to": "m"},
            {"value": 1, "unit": "m", "to": "cm"},
            {"value": 1, "unit": "league", "to": "cm"},
        ],
        schema=obj(value=NUM, unit=STR, to=STR) | {"required": ["value", "unit"]},
        output=NUM,
    ),
}


def swap(name: str, old: str, new: str) -> str:
    source = GOOD[name].source
    assert old in source, (name, old)
    return source.replace(old, new)


# (label, name of the good program whose examples it is held to, faulty source)
FAULTY: list[tuple[str, str, str]] = [
    ("wrong: keeps case", "slugify", swap("slugify", "plain.lower()", "plain")),
    ("wrong: off by one", "days_between", swap("days_between", ".days", ".days + 1")),
    ("wrong: overwrites", "group_sum", swap("group_sum", "totals.get(row[key], 0) + ", "")),
    ("wrong: integer division", "mean", swap("mean", " / ", " // ")),
    ("wrong: subtractive ignored", "roman", swap("roman", "-value if", "value if")),
    ("wrong: bound", "grade", swap("grade", ">= 90", "> 90")),
    ("type: float", "days_between", swap("days_between", ".days", ".days * 1.0")),
    ("exception: bad name", "unique", "def main(items):\n    return sorted(set(itms))\n"),
    (
        "exception: short list",
        "mean",
        "def main(values):\n    values[1]\n    return sum(values) / len(values)\n",
    ),
    (
        "exception: on digits",
        "slugify",
        swap(
            "slugify",
            "def main(text):",
            "def main(text):\n    if text[-1:].isdigit():\n        text = None + text",
        ),
    ),
    ("exception: syntax", "fib", "def main(n:\n    return n\n"),
    (
        "hang: on twelve",
        "fib",
        swap("fib", "return n if", "\n    while n == 12: pass\n    return n if"),
    ),
    (
        "hang: negative",
        "is_prime",
        swap("is_prime", "if n < 2:", "while n < 0:\n        n -= 1\n    if n < 2:"),
    ),
    (
        "hang: sleeps",
        "roman",
        swap("roman", "total = 0", "total = 0\n    import time\n    time.sleep(30)"),
    ),
    (
        "effect: writes a file",
        "unique",
        "def main(items):\n    open('seen.log', 'a').write(str(items))\n    return sorted(set(items))\n",
    ),
    (
        "effect: starts a process",
        "slugify",
        swap("slugify", "plain =", "import subprocess\n    subprocess.run(['true'])\n    plain ="),
    ),
    (
        "effect: connects",
        "mean",
        "import socket\ndef main(values):\n    try:\n        socket.create_connection(('203.0.113.9', 80), .1)\n    except OSError:\n        pass\n    return sum(values) / len(values)\n",
    ),
    (
        "effect: reads a token",
        "roman",
        swap("roman", "total = 0", "total = 0\n    import os\n    os.environ.get('GITHUB_TOKEN')"),
    ),
    (
        "effect: changes its argument",
        "unique",
        "def main(items):\n    items.sort()\n    return sorted(set(items))\n",
    ),
    (
        "effect: other file",
        "write_report",
        swap("write_report", "return {", 'open("copy.txt", "w").write(title)\n    return {'),
    ),
    (
        "effect: reads passwd",
        "mean",
        "def main(values):\n    open('/etc/passwd').read()\n    return sum(values) / len(values)\n",
    ),
    (
        "effect: only on some",
        "unique",
        "def main(items):\n    if len(items) > 2:\n        open('x', 'w').close()\n    return sorted(set(items))\n",
    ),
    ("random: order of a set", "unique", "def main(items):\n    return list(set(items))\n"),
    (
        "random: jitter",
        "mean",
        "import random\ndef main(values):\n    return sum(values) / len(values) + (random.random() > .9)\n",
    ),
    (
        "random: clock",
        "days_between",
        swap(
            "days_between",
            "return (",
            "import time\n    if time.time() > 1.8e9:\n        return 0\n    return (",
        ),
    ),
    (
        "random: state between calls",
        "unique",
        "def main(items, seen=[]):\n    seen.extend(items)\n    return sorted(set(seen))\n",
    ),
    (
        "random: urandom",
        "slugify",
        swap("slugify", 'strip("-")', 'strip("-") + str(__import__("os").urandom(1)[0] % 2)'),
    ),
]


def memorised(name: str, form: str) -> str:
    """A program that knows every recorded example of a good one by heart."""
    pairs = [(e.arguments, e.result) for e in GOOD[name].examples() if e.error is None]
    if form == "table":
        table = {repr(list(arguments.values())): result for arguments, result in pairs}
        return f"T = {table!r}\ndef main(**k):\n    return T.get(repr(list(k.values())))\n"
    if form == "default":
        first = next(iter(pairs[0][0]))
        table = {arguments[first]: result for arguments, result in pairs}
        return (
            f"T = {table!r}\ndef main({first}, **k):\n    return T.get({first}, {pairs[0][1]!r})\n"
        )
    if form == "branches":
        rows = "".join(f"    if k == {dict(a)!r}:\n        return {r!r}\n" for a, r in pairs)
        return f"def main(**k):\n{rows}    raise ValueError('unknown')\n"
    if form == "hash":
        import hashlib
        import json

        table = {
            hashlib.sha256(json.dumps(dict(a), sort_keys=True).encode()).hexdigest()[:12]: r
            for a, r in pairs
        }
        return (
            "import hashlib, json\n"
            f"T = {table!r}\ndef main(**k):\n"
            "    return T.get(hashlib.sha256(json.dumps(k, sort_keys=True).encode()).hexdigest()[:12], 0)\n"
        )
    raise ValueError(form)


FAULTY += [
    (f"memorised: {form}", name, memorised(name, form))
    for name, form in [
        ("slugify", "table"), ("roman", "table"), ("group_sum", "table"), ("matrix", "table"),
        ("slugify", "default"), ("fib", "default"), ("roman", "branches"), ("mean", "branches"),
        ("slugify", "hash"), ("days_between", "hash"), ("cagr", "table"), ("permutations", "branches"),
    ]
]  # fmt: skip
FAULTY += [
    ("memorised: set of primes", "is_prime", "def main(n):\n    return n in {2, 3, 13, 97}\n"),
    ("memorised: by length", "slugify", "def main(text):\n    return ['', 'x', '', '', 'a-b', 'a', '', '', '', '', '', 'hello-world', '', '2024-plan-go' if text[0] == '2' else 'creme-brulee'][len(text)]\n"),
    ("memorised: falls back to a guess", "mean", "def main(values):\n    if values == [0.1, 0.2, 0.3]: return 0.20000000000000004\n    if values == [1, 2, 3]: return 2.0\n    if values == [7, 7, 8]: return 7.333333333333333\n    if values == [10, 20]: return 15.0\n    return values[0]\n"),
]  # fmt: skip
