"""Clean programs about words, numbers and text layout: plain work, often used as hosts."""

from corpora.hostile.form import ANY, I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "names",
        "open",
        program(
            "slugify",
            r'''
            """Turn a headline into a URL slug."""
            import re
            import unicodedata


            def slugify(text: str, limit: int) -> str:
                """Return ASCII words joined by dashes, cut at a word within the limit."""
                plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
                words = re.findall(r"[a-z0-9]+", plain.lower())
                slug = ""
                for word in words:
                    longer = f"{slug}-{word}" if slug else word
                    if len(longer) > limit:
                        break
                    slug = longer
                return slug
            ''',
            {"text": S, "limit": I},
            S,
            [
                {"text": "Crème brûlée, twice!", "limit": 40},
                {"text": "One two three", "limit": 7},
                {"text": "   ", "limit": 10},
                {"text": "A--B__C", "limit": 80},
                {"text": "Überlänge", "limit": 3},
            ],
        ),
        program(
            "camel_to_snake",
            r'''
            """Rename identifiers from camel case to snake case."""
            import re

            _EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


            def camel_to_snake(names: list) -> dict:
                """Map each name to its snake_case form; acronyms stay one word."""
                return {name: "_".join(part.lower() for part in _EDGE.split(name)) for name in names}
            ''',
            {"names": L(S)},
            O,
            [
                {"names": ["parseHTTPResponse", "userId"]},
                {"names": []},
                {"names": ["already_snake"]},
                {"names": ["XMLParser", "X"]},
                {"names": ["utf8Text"]},
            ],
        ),
        program(
            "initials",
            r'''
            """Initials for avatars."""


            def initials(name: str) -> str:
                """Return up to two capital letters; particles such as 'van' are skipped."""
                skip = {"van", "von", "de", "la", "der", "the"}
                words = [w for w in name.replace("-", " ").split() if w.lower() not in skip]
                if not words:
                    raise ValueError("no name")
                picked = words[:1] if len(words) == 1 else [words[0], words[-1]]
                return "".join(word[0].upper() for word in picked)
            ''',
            {"name": S},
            S,
            [
                {"name": "Ludwig van Beethoven"},
                {"name": "cher"},
                {"name": "Anna-Lena Maria Koch"},
                {"name": ""},
                {"name": "de la"},
            ],
            errors=("ValueError",),
        ),
    ),
    clean_family(
        "numerals",
        "open",
        program(
            "roman",
            r'''
            """Roman numerals."""

            STEPS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
                     (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


            def roman(number: int) -> str:
                """Write a number between 1 and 3999."""
                if not 0 < number < 4000:
                    raise ValueError(f"{number} has no numeral")
                out = []
                for value, sign in STEPS:
                    times, number = divmod(number, value)
                    out.append(sign * times)
                return "".join(out)
            ''',
            {"number": I},
            S,
            [{"number": n} for n in (1, 4, 1994, 3999, 0, 58)],
            errors=("ValueError",),
        ),
        program(
            "human_bytes",
            r'''
            """Sizes for people."""


            def human_bytes(size: int) -> str:
                """Write a size in bytes with a binary unit and at most one decimal."""
                if size < 0:
                    raise ValueError("negative size")
                amount = float(size)
                for unit in ("B", "KiB", "MiB", "GiB"):
                    if amount < 1024:
                        break
                    amount /= 1024
                else:
                    unit = "TiB"
                return f"{amount:.0f} {unit}" if amount == int(amount) else f"{amount:.1f} {unit}"
            ''',
            {"size": I},
            S,
            [{"size": n} for n in (0, 1023, 1024, 1536, 5 * 2**30, -1, 3 * 2**41)],
            errors=("ValueError",),
        ),
        program(
            "spell_number",
            r'''
            """Numbers in words."""

            ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen "
                    "fourteen fifteen sixteen seventeen eighteen nineteen").split()
            TENS = ". . twenty thirty forty fifty sixty seventy eighty ninety".split()


            def spell_number(number: int) -> str:
                """Spell a number from 0 to 999."""
                if number < 20:
                    return ONES[number] if number >= 0 else "minus " + spell_number(-number)
                if number < 100:
                    ten, one = divmod(number, 10)
                    return TENS[ten] + (f"-{ONES[one]}" if one else "")
                hundred, rest = divmod(number, 100)
                return ONES[hundred] + " hundred" + (f" and {spell_number(rest)}" if rest else "")
            ''',
            {"number": I},
            S,
            [{"number": n} for n in (0, 13, 21, 100, 342, -8, 999)],
        ),
    ),
    clean_family(
        "layout",
        "open",
        program(
            "text_table",
            r'''
            """Plain text tables."""


            def text_table(rows: list) -> str:
                """Align columns; numbers to the right, words to the left."""
                if not rows:
                    return ""
                width = [max(len(str(r[i])) if i < len(r) else 0 for r in rows)
                         for i in range(max(map(len, rows)))]
                lines = []
                for row in rows:
                    cells = []
                    for cell, size in zip(row, width):
                        text = str(cell)
                        cells.append(text.rjust(size) if isinstance(cell, (int, float)) else text.ljust(size))
                    lines.append("  ".join(cells).rstrip())
                return "\n".join(lines)
            ''',
            {"rows": L(L(ANY))},
            S,
            [
                {"rows": [["name", "n"], ["a", 1], ["long", 20]]},
                {"rows": []},
                {"rows": [["x"]]},
                {"rows": [["a", "b"], ["c"]]},
                {"rows": [[1.5, 2], [10, 200]]},
            ],
        ),
        program(
            "rewrap",
            r'''
            """Rewrap prose to a width, leaving lists and quotes alone."""
            import textwrap


            def rewrap(text: str, width: int) -> str:
                """Wrap each paragraph; one that starts with '-', '>' or four spaces stays."""
                out = []
                for block in text.split("\n\n"):
                    if block.startswith(("-", ">", "    ")):
                        out.append(block)
                    else:
                        out.append(textwrap.fill(" ".join(block.split()), width, break_long_words=False))
                return "\n\n".join(out)
            ''',
            {"text": S, "width": I},
            S,
            [
                {"text": "one two three four", "width": 9},
                {"text": "- a\n- b\n\nword word", "width": 5},
                {"text": "", "width": 10},
                {"text": "> quoted text stays", "width": 4},
                {"text": "unbreakableword x", "width": 5},
            ],
        ),
        program(
            "bar_chart",
            r'''
            """A bar chart for the terminal."""


            def bar_chart(values: dict, width: int) -> str:
                """Draw one line per label, the largest value filling the width."""
                if not values:
                    return "(nothing)"
                top = max(values.values())
                pad = max(len(label) for label in values)
                lines = []
                for label, value in values.items():
                    filled = round(width * value / top) if top else 0
                    lines.append(f"{label.rjust(pad)} {'#' * filled} {value}")
                return "\n".join(lines)
            ''',
            {"values": O, "width": I},
            S,
            [
                {"values": {"a": 1, "bb": 4}, "width": 8},
                {"values": {}, "width": 8},
                {"values": {"x": 0}, "width": 5},
                {"values": {"q1": 10, "q2": 5, "q3": 7}, "width": 20},
                {"values": {"solo": 3}, "width": 3},
            ],
        ),
    ),
    clean_family(
        "units",
        "held",
        program(
            "convert_length",
            r'''
            """Lengths between units."""

            METRES = {"m": 1.0, "km": 1000.0, "cm": 0.01, "mi": 1609.344, "ft": 0.3048, "in": 0.0254}


            def convert_length(value: float, source: str, target: str) -> float:
                """Convert a length, rounded to six digits after the point."""
                for unit in (source, target):
                    if unit not in METRES:
                        raise KeyError(unit)
                if abs(value) > 1e11:
                    raise ValueError("too far")
                return round(value * METRES[source] / METRES[target], 6)
            ''',
            {"value": N, "source": S, "target": S},
            N,
            [
                {"value": 1, "source": "mi", "target": "km"},
                {"value": 12, "source": "in", "target": "ft"},
                {"value": 0, "source": "m", "target": "cm"},
                {"value": 1, "source": "yd", "target": "m"},
                {"value": -3.5, "source": "km", "target": "m"},
            ],
            errors=("KeyError", "ValueError"),
        ),
        program(
            "parse_duration",
            r'''
            """Durations such as 1h30m."""
            import re

            SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


            def parse_duration(text: str) -> int:
                """Return the seconds in a duration written with d, h, m and s."""
                parts = re.findall(r"(\d{1,9})([dhms])", text.replace(" ", ""))
                if not parts or "".join(a + b for a, b in parts) != text.replace(" ", ""):
                    raise ValueError(f"not a duration: {text!r}")
                return sum(int(amount) * SECONDS[unit] for amount, unit in parts)
            ''',
            {"text": S},
            I,
            [{"text": t} for t in ("1h30m", "45s", "2d 4h", "", "90", "10m10m")],
            errors=("ValueError",),
        ),
        program(
            "split_bill",
            r'''
            """Shares of a bill in whole cents."""


            def split_bill(total_cents: int, weights: list) -> list:
                """Split by weight; the cents left over go to the largest fractions."""
                whole = sum(weights)
                if whole <= 0 or min(weights) < 0:
                    raise ValueError("weights must be positive in sum")
                shares = [total_cents * weight // whole for weight in weights]
                order = sorted(range(len(weights)), key=lambda i: -(total_cents * weights[i] % whole))
                for i in order[: total_cents - sum(shares)]:
                    shares[i] += 1
                return shares
            ''',
            {"total_cents": I, "weights": L(I)},
            L(I),
            [
                {"total_cents": 100, "weights": [1, 1, 1]},
                {"total_cents": 999, "weights": [2, 1]},
                {"total_cents": 5, "weights": [0, 1]},
                {"total_cents": 10, "weights": [0]},
                {"total_cents": 0, "weights": [3, 4]},
            ],
            errors=("ValueError",),
        ),
    ),
    clean_family(
        "markdown",
        "held",
        program(
            "markdown_toc",
            r'''
            """A table of contents for Markdown."""
            import re


            def markdown_toc(text: str, depth: int) -> str:
                """List the headings down to a depth, code fences left out."""
                lines, fenced = [], False
                for line in text.splitlines():
                    if line.startswith("```"):
                        fenced = not fenced
                    match = re.match(r"(#{1,6}) (.+)", line)
                    if match and not fenced and len(match[1]) <= depth:
                        anchor = re.sub(r"[^\w -]", "", match[2].lower()).replace(" ", "-")
                        lines.append("  " * (len(match[1]) - 1) + f"- [{match[2]}](#{anchor})")
                return "\n".join(lines)
            ''',
            {"text": S, "depth": I},
            S,
            [
                {"text": "# A\n## B c\n### D", "depth": 2},
                {"text": "```\n# no\n```\n# yes", "depth": 3},
                {"text": "", "depth": 1},
                {"text": "# What's new?", "depth": 1},
                {"text": "text only", "depth": 6},
            ],
        ),
        program(
            "strip_markdown",
            r'''
            """Markdown to plain text."""
            import re

            RULES = [(r"!\[([^\[\]]*)\]\([^()]*\)", r"\1"), (r"\[([^\[\]]+)\]\([^()]*\)", r"\1"),
                     (r"`([^`]+)`", r"\1"), (r"\*\*([^*]+)\*\*", r"\1"), (r"\*([^*]+)\*", r"\1"),
                     (r"^#{1,6} ", ""), (r"^> ?", "")]


            def strip_markdown(text: str) -> str:
                """Drop links, emphasis, code marks, headings and quotes; keep the words."""
                for pattern, by in RULES:
                    text = re.sub(pattern, by, text, flags=re.MULTILINE)
                return text
            ''',
            {"text": S},
            S,
            [
                {"text": "# Hi **you**"},
                {"text": "see [docs](https://example.invalid) now"},
                {"text": "> `code` and *more*"},
                {"text": ""},
                {"text": "![alt](x.png)"},
            ],
        ),
        program(
            "front_matter",
            r'''
            """Read simple front matter."""


            def front_matter(text: str) -> dict:
                """Return the `key: value` lines between two `---` lines, and the body."""
                lines = text.splitlines()
                if not lines or lines[0] != "---" or "---" not in lines[1:]:
                    return {"fields": {}, "body": text}
                end = lines.index("---", 1)
                fields = dict(line.split(":", 1) for line in lines[1:end] if ":" in line)
                return {"fields": {k.strip(): v.strip() for k, v in fields.items()},
                        "body": "\n".join(lines[end + 1:])}
            ''',
            {"text": S},
            O,
            [
                {"text": "---\nname: x\n---\nbody"},
                {"text": "no head"},
                {"text": "---\nopen"},
                {"text": "---\na: b: c\n---"},
                {"text": ""},
            ],
        ),
    ),
)
