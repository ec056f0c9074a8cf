"""Builds the documentation as pages to read in a browser: `python tools/site.py FOLDER`.

Owns which files are pages, how a link from one to another is written there, and that every link leads
somewhere, anchors included. What Markdown means is markdown-it's.
"""

import html
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>body{{max-width:52rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}}
pre{{background:#f4f4f2;padding:.8rem;overflow:auto}}table{{border-collapse:collapse}}
td,th{{border:1px solid #ccc;padding:.2rem .5rem;text-align:left}}img{{max-width:100%}}</style>
</head><body><p><a href="{home}">Lignin</a></p>
{body}</body></html>
"""
PAGES = ("README.md", "AGENTS.md", "benchmarks/README.md", "docs/**/*.md")
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def pages(root: Path) -> list[Path]:
    """The files that are pages."""
    return sorted({path for pattern in PAGES for path in root.glob(pattern)})


def parse(text: str) -> list[Token]:
    """The tokens of a document, each heading with the anchor that repositories give it."""
    tokens = _PARSER.parse(text)
    taken: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            slug = slug_of(tokens[number + 1].content)
            count = taken.get(slug, 0)
            taken[slug] = count + 1
            token.attrSet("id", f"{slug}-{count}" if count else slug)
    return tokens


def slug_of(heading: str) -> str:
    """The anchor of a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def links(tokens: list[Token]) -> Iterator[Token]:
    """The links and images of a document."""
    for token in tokens:
        for inner in (token, *(token.children or ())):
            if inner.type in {"link_open", "image"}:
                yield inner


def broken(root: Path) -> list[str]:
    """Every link that leads nowhere, as `page: link`."""
    parsed = {path: parse(path.read_text()) for path in pages(root)}
    anchors = {
        path: {str(token.attrs["id"]) for token in tokens if "id" in token.attrs}
        for path, tokens in parsed.items()
    }
    found = []
    for path, tokens in parsed.items():
        for token in links(tokens):
            target = str(token.attrs.get("href") or token.attrs.get("src") or "")
            name, _, anchor = target.partition("#")
            if _ELSEWHERE.match(target):
                continue
            there = (path.parent / name).resolve() if name else path
            if not there.exists() or (anchor and anchor not in anchors.get(there, set())):
                found.append(f"{path.relative_to(root)}: {target}")
    return found


def build(root: Path, folder: Path) -> int:
    """Write every page and picture below a folder; returns how many pages there are."""
    found = pages(root)
    for path in found:
        tokens = parse(path.read_text())
        for token in links(tokens):
            name = "href" if token.type == "link_open" else "src"
            target = str(token.attrs[name])
            if not _ELSEWHERE.match(target):
                token.attrs[name] = _page_of(target)
        place = folder / path.relative_to(root).with_suffix(".html")
        place.parent.mkdir(parents=True, exist_ok=True)
        title = next((t.content for t in tokens if t.type == "inline"), path.stem)
        body = _PARSER.renderer.render(tokens, _PARSER.options, {})
        home = "../" * (len(path.relative_to(root).parts) - 1) + "README.html"
        place.write_text(PAGE.format(title=html.escape(title), home=home, body=body))
    shutil.copytree(root / "docs" / "images", folder / "docs" / "images", dirs_exist_ok=True)
    return len(found)


def _page_of(target: str) -> str:
    name, mark, anchor = target.partition("#")
    return f"{name.removesuffix('.md')}.html{mark}{anchor}" if name.endswith(".md") else target


def main() -> None:
    """Build below the folder that is named; fails where a link leads nowhere."""
    if faults := broken(ROOT):
        sys.exit("links that lead nowhere:\n" + "\n".join(faults))
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    print(f"{build(ROOT, folder)} pages below {folder}")


if __name__ == "__main__":
    main()
