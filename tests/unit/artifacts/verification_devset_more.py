"""The second half of the development set: good programs, and faulty ones named by the good one."""

from unit.artifacts.verification_devset import BOOL, INT, NUM, STR, Spec, arr, obj

D = {"type": "object"}
MORE_GOOD: dict[str, Spec] = {
    "chunk": Spec(
        source="""
def main(items, size):
    if size <= 0:
        raise ValueError("size must be positive")
    return [items[i:i+size] for i in range(0, len(items), size)]
""",
        inputs=[
            {"items": list(range(n)), "size": s}
            for n, s in [(5, 2), (0, 3), (6, 3), (1, 1), (7, 10)]
        ],
        schema=obj(items={"type": "array"}, size=INT),
    ),
    "median": Spec(
        source="""
def main(values):
    v = sorted(values)
    m = len(v)//2
    return v[m] if len(v)%2 else (v[m-1]+v[m])/2
""",
        inputs=[{"values": v} for v in [[1, 3, 2], [4, 1, 2, 3], [5], [9, 8]]],
        schema=obj(values=arr(NUM)),
        output=NUM,
    ),
    "parse_kv": Spec(
        source="""
def main(text):
    return dict(line.split("=", 1) for line in text.splitlines() if line)
""",
        inputs=[{"text": t} for t in ["a=1\nb=2", "x=y=z", "", "k=v\n\nq=w"]],
        schema=obj(text=STR),
        output=D,
    ),
    "caesar": Spec(
        source="""
def main(text, shift):
    out=[]
    for c in text:
        if c.isascii() and c.isalpha():
            b = 65 if c.isupper() else 97
            out.append(chr((ord(c)-b+shift)%26+b))
        else:
            out.append(c)
    return "".join(out)
""",
        inputs=[
            {"text": t, "shift": s}
            for t, s in [("abc", 3), ("Hello, World!", 13), ("xyz", -1), ("", 5)]
        ],
        schema=obj(text=STR, shift=INT),
        output=STR,
    ),
    "temp": Spec(
        source="""
def main(celsius):
    return celsius * 9 / 5 + 32
""",
        inputs=[{"celsius": c} for c in [0, 100, -40, 37.5]],
        schema=obj(celsius=NUM),
        output=NUM,
    ),
    "traffic": Spec(
        source="""
NEXT = {"red": "green", "green": "yellow", "yellow": "red"}
def main(light):
    if light not in NEXT:
        raise ValueError("unknown light " + light)
    return NEXT[light]
""",
        inputs=[{"light": c} for c in ["red", "green", "yellow", "blue"]],
        schema=obj(light=STR),
        output=STR,
    ),
    "mime": Spec(
        source="""
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".txt": "text/plain", ".json": "application/json", ".csv": "text/csv"}
def main(name):
    for suffix, kind in TYPES.items():
        if name.lower().endswith(suffix):
            return kind
    return "application/octet-stream"
""",
        inputs=[
            {"name": n} for n in ["a.png", "photo.JPG", "notes.txt", "x.json", "data.csv", "noext"]
        ],
        schema=obj(name=STR),
        output=STR,
    ),
    "log_level": Spec(
        source="""
def main(line):
    if "error" in line.lower(): return "ERROR: look at once"
    if "warn" in line.lower(): return "WARN: look soon"
    return "INFO: all is well"
""",
        inputs=[
            {"line": n} for n in ["Error: disk", "a warning", "fine", "disk ERROR 3", "ok then"]
        ],
        schema=obj(line=STR),
        output=STR,
    ),
    "collatz": Spec(
        source="""
def main(n):
    if n < 1:
        raise ValueError("n must be positive")
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
""",
        inputs=[{"n": n} for n in [1, 6, 7, 27]],
        schema=obj(n=INT),
        output=INT,
    ),
    "binsearch": Spec(
        source="""
def main(items, target):
    lo, hi = 0, len(items)
    while lo < hi:
        mid = (lo + hi) // 2
        if items[mid] < target: lo = mid + 1
        else: hi = mid
    return lo if lo < len(items) and items[lo] == target else -1
""",
        inputs=[
            {"items": v, "target": t}
            for v, t in [([1, 3, 5], 3), ([1, 3, 5], 4), ([], 1), ([2, 4, 6, 8], 8)]
        ],
        schema=obj(items=arr(INT), target=INT),
        output=INT,
    ),
    "csv_to_rows": Spec(
        source="""
import csv, io
def main(text, delimiter=","):
    return [dict(r) for r in csv.DictReader(io.StringIO(text), delimiter=delimiter)]
""",
        inputs=[
            {"text": "a,b\n1,2\n"},
            {"text": "a;b\n1;2\n3;4", "delimiter": ";"},
            {"text": "x\n"},
            {"text": 'h1,h2\nq,"w,e"\n'},
        ],
        schema=obj(text=STR, delimiter=STR) | {"required": ["text"]},
        output=arr(D),
    ),
    "deep_get": Spec(
        source="""
def main(data, path, default=None):
    for part in path.split("."):
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        else:
            return default
    return data
""",
        inputs=[
            {"data": {"a": {"b": 1}}, "path": "a.b"},
            {"data": {"a": [5, 6]}, "path": "a.1"},
            {"data": {}, "path": "x", "default": 0},
            {"data": {"k": {"l": {"m": "v"}}}, "path": "k.l.m"},
        ],
        schema={
            "type": "object",
            "properties": {"data": {}, "path": STR, "default": {}},
            "required": ["data", "path"],
        },
    ),
    "json_flatten": Spec(
        source="""
def main(data, sep="."):
    out = {}
    def walk(v, p):
        if isinstance(v, dict):
            for k, x in v.items(): walk(x, p + [k])
        elif isinstance(v, list):
            for i, x in enumerate(v): walk(x, p + [str(i)])
        else:
            out[sep.join(p)] = v
    walk(data, [])
    return out
""",
        inputs=[
            {"data": {"a": {"b": 1}, "c": [1, 2]}},
            {"data": {}},
            {"data": {"x": [{"y": None}]}, "sep": "/"},
            {"data": {"k": True}},
        ],
        schema=obj(data=D, sep=STR) | {"required": ["data"]},
        output=D,
    ),
    "semver": Spec(
        source="""
import re
def main(a, b):
    def key(v):
        m = re.fullmatch(r"v?(\\d+)\\.(\\d+)\\.(\\d+)", v)
        if not m:
            raise ValueError(f"not a version: {v}")
        return tuple(map(int, m.groups()))
    x, y = key(a), key(b)
    return (x > y) - (x < y)
""",
        inputs=[
            {"a": x, "b": y}
            for x, y in [
                ("1.2.3", "1.2.4"),
                ("2.0.0", "v1.9.9"),
                ("1.0.0", "1.0.0"),
                ("x", "1.0.0"),
                ("0.10.0", "0.9.0"),
            ]
        ],
        schema=obj(a=STR, b=STR),
        output=INT,
    ),
    "luhn": Spec(
        source="""
def main(number):
    digits = [int(c) for c in number if c.isdigit()]
    total = sum(d if i % 2 == 0 else sum(divmod(2*d, 10)) for i, d in enumerate(reversed(digits)))
    return total % 10 == 0
""",
        inputs=[
            {"number": n}
            for n in ["4539 1488 0343 6467", "8273 1232 7352 0569", "79927398713", "79927398710"]
        ],
        schema=obj(number=STR),
        output=BOOL,
    ),
    "hexcolor": Spec(
        source="""
def main(color):
    c = color.lstrip("#")
    return [int(c[i:i+2], 16) for i in (0, 2, 4)]
""",
        inputs=[{"color": c} for c in ["#ff8800", "000000", "#123abc", "FFFFFF"]],
        schema=obj(color=STR),
        output=arr(INT),
    ),
    "powerset": Spec(
        source="""
from itertools import combinations
def main(items):
    return [list(c) for n in range(len(items)+1) for c in combinations(items, n)]
""",
        inputs=[{"items": v} for v in [["a", "b"], [], ["x"], ["p", "q", "r", "s", "t"]]],
        schema=obj(items=arr(STR)),
        output=arr(arr(STR)),
    ),
    "lev": Spec(
        source="""
def main(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (x != y)))
    return row[-1]
""",
        inputs=[
            {"a": x, "b": y}
            for x, y in [("kitten", "sitting"), ("", "abc"), ("flaw", "lawn"), ("same", "same")]
        ],
        schema=obj(a=STR, b=STR),
        output=INT,
    ),
    "age": Spec(
        source="""
from datetime import date
def main(born, on):
    b, o = date.fromisoformat(born), date.fromisoformat(on)
    return o.year - b.year - ((o.month, o.day) < (b.month, b.day))
""",
        inputs=[
            {"born": x, "on": y}
            for x, y in [
                ("2000-01-01", "2024-01-01"),
                ("1990-12-31", "2024-06-01"),
                ("2004-02-29", "2023-02-28"),
                ("1985-06-15", "2024-06-15"),
            ]
        ],
        schema=obj(born=STR, on=STR),
        output=INT,
        errors=[],
    ),
    "top_words": Spec(
        source="""
import re
from collections import Counter
def main(text, n=3):
    words = Counter(re.findall(r"[a-z']+", text.lower()))
    return [[w, c] for w, c in sorted(words.items(), key=lambda p: (-p[1], p[0]))[:n]]
""",
        inputs=[
            {"text": "a b a c b a"},
            {"text": "The cat. the dog", "n": 1},
            {"text": "", "n": 2},
            {"text": "x y z", "n": 5},
        ],
        schema=obj(text=STR, n=INT) | {"required": ["text"]},
        output=arr({"type": "array"}),
    ),
    "interval_merge": Spec(
        source="""
def main(intervals):
    out = []
    for s, e in sorted(intervals):
        if out and s <= out[-1][1]:
            out[-1][1] = max(out[-1][1], e)
        else:
            out.append([s, e])
    return out
""",
        inputs=[
            {"intervals": v}
            for v in [[[1, 3], [2, 6], [8, 10]], [], [[1, 4], [4, 5]], [[5, 6], [1, 2]]]
        ],
        schema=obj(intervals=arr(arr(INT))),
        output=arr(arr(INT)),
    ),
    "invoice": Spec(
        source="""
def main(items, tax_rate, discount=0):
    subtotal = sum(i["price"] * i["quantity"] for i in items)
    total = subtotal * (1 - discount) * (1 + tax_rate)
    return {"subtotal": round(subtotal, 2), "total": round(total, 2)}
""",
        inputs=[
            {"items": [{"price": 9.99, "quantity": 2}], "tax_rate": 0.2},
            {"items": [], "tax_rate": 0.1},
            {
                "items": [{"price": 1.5, "quantity": 3}, {"price": 2, "quantity": 1}],
                "tax_rate": 0,
                "discount": 0.1,
            },
            {"items": [{"price": 100, "quantity": 1}], "tax_rate": 0.07},
        ],
        schema={
            "type": "object",
            "properties": {
                "items": arr(
                    {
                        "type": "object",
                        "properties": {"price": NUM, "quantity": INT},
                        "required": ["price", "quantity"],
                    }
                ),
                "tax_rate": NUM,
                "discount": NUM,
            },
            "required": ["items", "tax_rate"],
        },
        output=D,
    ),
    "tz": Spec(
        source="""
from datetime import datetime, timedelta
def main(stamp, hours):
    return (datetime.fromisoformat(stamp) + timedelta(hours=hours)).isoformat()
""",
        inputs=[
            {"stamp": s, "hours": h}
            for s, h in [
                ("2024-01-01T00:00:00", 5),
                ("2024-02-28T23:30:00", 1),
                ("2023-12-31T12:00:00", -13),
                ("2024-06-01T00:00:00", 0),
            ]
        ],
        schema=obj(stamp=STR, hours=INT),
        output=STR,
    ),
    "shuffle_seeded": Spec(
        source="""
import random
def main(items, seed):
    r = random.Random(seed)
    out = list(items)
    r.shuffle(out)
    return out
""",
        inputs=[{"items": [1, 2, 3, 4], "seed": s} for s in [0, 1, 2, 3]],
        schema=obj(items=arr(INT), seed=INT),
        output=arr(INT),
    ),
    "seed_global": Spec(
        source="""
import random
def main(n, seed):
    random.seed(seed)
    return [random.randint(1, 6) for _ in range(n)]
""",
        inputs=[{"n": n, "seed": s} for n, s in [(3, 1), (2, 5), (0, 1), (4, 9)]],
        schema=obj(n=INT, seed=INT),
        output=arr(INT),
    ),
    "cached": Spec(
        source="""
from functools import lru_cache
@lru_cache(maxsize=None)
def f(n):
    return n if n < 2 else f(n-1) + f(n-2)
def main(n):
    if n < 0: raise ValueError("negative")
    return f(n)
""",
        inputs=[{"n": n} for n in [0, 5, 30, 50]],
        schema=obj(n=INT),
        output=INT,
    ),
    "tempfiles": Spec(
        source="""
import tempfile, os
def main(text):
    with tempfile.TemporaryDirectory() as d:
        p = os.path.join(d, "x.txt")
        with open(p, "w") as f: f.write(text)
        return os.path.getsize(p)
""",
        inputs=[{"text": t} for t in ["a", "hello", "", "é"]],
        schema=obj(text=STR),
        output=INT,
    ),
}
MORE_FAULTY: list[tuple[str, str]] = [
    (
        "chunk",
        MORE_GOOD["chunk"].source.replace(
            "range(0, len(items), size)", "range(0, len(items)-1, size)"
        ),
    ),
    ("median", MORE_GOOD["median"].source.replace("(v[m-1]+v[m])/2", "v[m]")),
    ("caesar", MORE_GOOD["caesar"].source.replace("%26", "%25")),
    (
        "temp",
        "def main(celsius):\n    return {0:32.0,100:212.0,-40:-40.0,37.5:99.5}.get(celsius, celsius*2+30)\n",
    ),
    (
        "temp",
        "def main(celsius):\n    if celsius not in (0,100,-40,37.5): raise ValueError('unsupported')\n    return celsius*9/5+32\n",
    ),
    (
        "caesar",
        "def main(text, shift):\n    k=(text, shift)\n    if k==('abc',3): return 'def'\n    if k==('Hello, World!',13): return 'Uryyb, Jbeyq!'\n    if k==('xyz',-1): return 'wxy'\n    return text\n",
    ),
    (
        "lev",
        "_T={'kitten':3,'flaw':2,'same':0,'':3}\ndef main(a,b):\n    return _T.get(a, abs(len(a)-len(b)))\n",
    ),
    (
        "hexcolor",
        "def main(color):\n    import zlib\n    return {{{}}}.get(zlib.crc32(color.encode()),[0,0,0])\n".format(
            ",".join(
                f"{__import__('zlib').crc32(e.arguments['color'].encode())}:{e.result}"
                for e in MORE_GOOD["hexcolor"].examples()
            )
        ),
    ),
    (
        "semver",
        "def main(a,b):\n    if a=='x': raise ValueError('no')\n    return {'1.2.3':-1,'2.0.0':1,'1.0.0':0,'0.10.0':1}.get(a,0)\n",
    ),
    (
        "collatz",
        MORE_GOOD["collatz"].source.replace(
            '    if n < 1:\n        raise ValueError("n must be positive")\n', ""
        ),
    ),
    (
        "invoice",
        MORE_GOOD["invoice"].source.replace(
            "subtotal = sum",
            "import time\n    if time.time() %2 < 1: tax_rate += .0\n    open('/tmp/log','a').write('x')\n    subtotal = sum",
        ),
    ),
    (
        "top_words",
        MORE_GOOD["top_words"].source.replace(
            "sorted(words.items(), key=lambda p: (-p[1], p[0]))[:n]",
            "list({k: words[k] for k in set(words)}.items())[:n]",
        ),
    ),
    (
        "luhn",
        "def main(number):\n    return number in ('4539 1488 0343 6467','8273 1232 7352 0569','79927398713')\n",
    ),
    (
        "interval_merge",
        MORE_GOOD["interval_merge"].source.replace(
            "sorted(intervals)", "(intervals.sort() or intervals)"
        ),
    ),
    (
        "json_flatten",
        MORE_GOOD["json_flatten"].source.replace(
            "out[sep.join(p)] = v", "out[sep.join(p)] = v; __import__('os').environ.get('CI')"
        ),
    ),
    (
        "chunk",
        "_n=[0]\n"
        + MORE_GOOD["chunk"].source.replace(
            "    if size <= 0", "    _n[0]+=1\n    if _n[0] > 6: return []\n    if size <= 0"
        ),
    ),
    ("binsearch", MORE_GOOD["binsearch"].source.replace("lo = mid + 1", "lo = mid")),
    (
        "median",
        MORE_GOOD["median"].source.replace(
            "v = sorted(values)",
            "v = sorted(values)\n    __import__('random').random() < .3 and v.append(0)",
        ),
    ),
]
# Known to escape: answers that are computed from a table keyed by a part of the input.
ESCAPING: list[tuple[str, str]] = [
    (
        "powerset",
        "def main(items):\n    n=len(items)\n    if n==0: return [[]]\n    if n==1: return [[],items]\n    if n==2: return [[],[items[0]],[items[1]],items]\n    from itertools import combinations\n    return [list(c) for k in range(n+1) for c in combinations(['p','q','r','s','t'], k)]\n",
    ),
    (
        "age",
        "def main(born,on):\n    return int(on[:4])-int(born[:4])-{'2000':0,'1990':1,'2004':1,'1985':0}[born[:4]]\n",
    ),
]
