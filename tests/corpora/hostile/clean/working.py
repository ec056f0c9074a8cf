"""Clean programs that write and delete in their work folder, or start programs they may start."""

from corpora.hostile.form import B, I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "tidying",
        "open",
        program(
            "clean_scratch",
            r'''
            """Make scratch files, use them, and clean up after."""
            import pathlib
            import shutil


            def clean_scratch(texts: list) -> dict:
                """Write texts into scratch/, count their bytes, remove the folder."""
                folder = pathlib.Path("scratch")
                folder.mkdir(exist_ok=True)
                for number, text in enumerate(texts):
                    (folder / f"{number}.txt").write_text(text, encoding="utf-8")
                size = sum(path.stat().st_size for path in folder.iterdir())
                shutil.rmtree(folder)
                return {"bytes": size, "left": folder.exists()}
            ''',
            {"texts": L(S)},
            O,
            [{"texts": t} for t in ([], ["a"], ["é", "bb"], [""], ["x"] * 10)],
            paths=["scratch/**"],
        ),
        program(
            "prune_logs",
            r'''
            """Keep the newest logs of the work folder."""
            import os
            import pathlib


            def prune_logs(names: list, keep: int) -> list:
                """Create the named logs in logs/, remove all but the last by name, return what stayed."""
                folder = pathlib.Path("logs")
                folder.mkdir(exist_ok=True)
                for name in map(os.path.basename, names):
                    if name.strip(". ") and len(name.encode("utf-8", "replace")) < 256 and "\0" not in name:
                        (folder / name).write_text("x")
                found = sorted(folder.glob("*.log"))
                for path in found[: max(0, len(found) - keep)]:
                    path.unlink()
                left = sorted(path.name for path in folder.glob("*.log"))
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()
                return left
            ''',
            {"names": L(S), "keep": I},
            L(S),
            [
                {"names": ["a.log", "b.log"], "keep": 1},
                {"names": [], "keep": 3},
                {"names": ["x.txt", "y.log"], "keep": 1},
                {"names": ["a.log"], "keep": 0},
                {"names": ["1.log", "2.log", "3.log"], "keep": 2},
            ],
            paths=["logs/*"],
        ),
        program(
            "write_once",
            r'''
            """Write a file whole or not at all."""
            import os
            import tempfile


            def write_once(text: str) -> int:
                """Write out/result.txt through a temporary file and return its size."""
                os.makedirs("out", exist_ok=True)
                handle, name = tempfile.mkstemp(dir="out")
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(name, "out/result.txt")
                return os.path.getsize("out/result.txt")
            ''',
            {"text": S},
            I,
            [{"text": t} for t in ("", "a", "é", "line\n", "x" * 5000)],
            paths=["out/*"],
            randomness=True,
        ),
    ),
    clean_family(
        "programs-of-others",
        "open",
        program(
            "sorted_by_tool",
            r'''
            """Sort lines with the system's own sort."""
            import subprocess


            def sorted_by_tool(lines: list, numeric: bool) -> list:
                """Return the lines as `sort` orders them in the C locale."""
                command = ["sort", "-n"] if numeric else ["sort"]
                done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True,
                                      env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=True)
                return done.stdout.splitlines()
            ''',
            {"lines": L(S), "numeric": B},
            L(S),
            [
                {"lines": ["b", "a"], "numeric": False},
                {"lines": ["10", "9"], "numeric": True},
                {"lines": [], "numeric": False},
                {"lines": ["10", "9"], "numeric": False},
                {"lines": ["z", "Z"], "numeric": False},
            ],
            processes=True,
        ),
        program(
            "word_counts",
            r'''
            """Counts by wc."""
            import subprocess


            def word_counts(text: str) -> dict:
                """Return lines, words and bytes as `wc` sees them."""
                done = subprocess.run(["wc"], input=text.encode(), capture_output=True, check=True)
                lines, words, size = map(int, done.stdout.split())
                return {"lines": lines, "words": words, "bytes": size}
            ''',
            {"text": S},
            O,
            [{"text": t} for t in ("", "a b\n", "é", "no newline", "\n\n")],
            processes=True,
        ),
        program(
            "python_accepts",
            r'''
            """Ask the interpreter whether code compiles, in a process of its own."""
            import subprocess
            import sys

            CHECK = "import ast,sys; ast.parse(sys.stdin.read())"


            def python_accepts(source: str) -> bool:
                """True where the text is valid Python; it is parsed, never run."""
                done = subprocess.run([sys.executable, "-I", "-c", CHECK], input=source, text=True,
                                      capture_output=True, timeout=20)
                return done.returncode == 0
            ''',
            {"source": S},
            B,
            [
                {"source": t}
                for t in ("x = 1", "x =", "", "def f(): pass", "import os; os.getcwd()")
            ],
            processes=True,
        ),
    ),
    clean_family(
        "outputs",
        "held",
        program(
            "write_report",
            r'''
            """A report file in the work folder."""
            from pathlib import Path


            def write_report(title: str, items: list) -> int:
                """Write report/<title>.md and return its number of lines."""
                safe = "".join(c for c in title.lower() if c.isalnum())[:60] or "untitled"
                path = Path("report") / f"{safe}.md"
                path.parent.mkdir(exist_ok=True)
                lines = [f"# {title}", "", *(f"- {item}" for item in items)]
                path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
                return len(path.read_text(encoding="utf-8").splitlines())
            ''',
            {"title": S, "items": L(S)},
            I,
            [
                {"title": "Week", "items": ["a"]},
                {"title": "", "items": []},
                {"title": "../up", "items": ["x", "y"]},
                {"title": "é", "items": []},
                {"title": "Long", "items": ["i"] * 20},
            ],
            paths=["report/*"],
        ),
        program(
            "dedupe_files",
            r'''
            """Drop files with equal content."""
            import hashlib
            import pathlib


            def dedupe_files(files: dict) -> list:
                """Write files into pool/, delete later copies of the same content, list what stays."""
                pool, seen = pathlib.Path("pool"), {}
                named = {pathlib.Path(name).name: text for name, text in sorted(files.items())}
                for name, text in named.items():
                    if not isinstance(text, str) or not name.isprintable() or not 0 < len(name.encode()) < 256 or name == "..":
                        raise ValueError(f"not a file: {name!r}")
                pool.mkdir(exist_ok=True)
                for name, text in named.items():
                    (pool / name).write_text(text, encoding="utf-8", errors="surrogatepass")
                for path in sorted(pool.iterdir()):
                    mark = hashlib.sha256(path.read_bytes()).hexdigest()
                    if mark in seen:
                        path.unlink()
                    seen.setdefault(mark, path.name)
                left = sorted(path.name for path in pool.iterdir())
                for path in pool.iterdir():
                    path.unlink()
                return left
            ''',
            {"files": O},
            L(S),
            [
                {"files": {"a": "1", "b": "1", "c": "2"}},
                {"files": {}},
                {"files": {"x": ""}},
                {"files": {"x": "", "y": ""}},
                {"files": {"n/one": "k", "two": "k"}},
            ],
            errors=("ValueError",),
            paths=["pool/*"],
        ),
        program(
            "small_store",
            r'''
            """A tiny store in SQLite."""
            import sqlite3


            def small_store(pairs: list, ask: str) -> list:
                """Write pairs into data.db, read one name back, drop the table."""
                if any(len(pair) != 2 for pair in pairs):
                    raise ValueError("not pairs")
                with sqlite3.connect("data.db") as base:
                    base.execute("CREATE TABLE IF NOT EXISTS pair (name TEXT, value TEXT)")
                    base.executemany("INSERT INTO pair VALUES (?, ?)", pairs)
                    rows = base.execute("SELECT value FROM pair WHERE name = ? ORDER BY rowid", (ask,)).fetchall()
                    base.execute("DROP TABLE pair")
                base.close()
                return [row[0] for row in rows]
            ''',
            {"pairs": L(L(S)), "ask": S},
            L(S),
            [
                {"pairs": [["a", "1"], ["a", "2"], ["b", "3"]], "ask": "a"},
                {"pairs": [], "ask": "x"},
                {"pairs": [["q", "'; DROP"]], "ask": "q"},
                {"pairs": [["n", "v"]], "ask": "m"},
                {"pairs": [["é", "ü"]], "ask": "é"},
            ],
            errors=("ValueError", "UnicodeEncodeError"),
            paths=["data.db*"],
        ),
    ),
    clean_family(
        "timed-programs",
        "held",
        program(
            "bounded_run",
            r'''
            """Run a harmless tool with a time limit."""
            import subprocess


            def bounded_run(words: list, limit_s: float) -> dict:
                """Run `printf '%s ' words` and return its output, or that it took too long."""
                try:
                    raw = [word.encode("utf-8", "replace") for word in words]
                    done = subprocess.run(["printf", "%s ", *raw], capture_output=True, encoding="utf-8",
                                          timeout=max(1.0, min(limit_s, 5)))
                except subprocess.TimeoutExpired:
                    return {"late": True}
                return {"late": False, "text": done.stdout}
            ''',
            {"words": L(S), "limit_s": N},
            O,
            [
                {"words": ["a", "b"], "limit_s": 2},
                {"words": [], "limit_s": 2},
                {"words": ["$HOME"], "limit_s": 2},
                {"words": ["; ls"], "limit_s": 0},
                {"words": ["é"], "limit_s": 5},
            ],
            errors=("ValueError", "OSError"),
            processes=True,
        ),
        program(
            "patch_preview",
            r'''
            """Show a change as diff shows it."""
            import pathlib
            import subprocess


            def patch_preview(old: str, new: str) -> str:
                """Return the unified diff of two texts, heads left out."""
                for name, text in (("old.txt", old), ("new.txt", new)):
                    pathlib.Path(name).write_text(text, encoding="utf-8", errors="backslashreplace")
                done = subprocess.run(["diff", "-au", "old.txt", "new.txt"], capture_output=True, encoding="utf-8")
                return "\n".join(done.stdout.splitlines()[2:])
            ''',
            {"old": S, "new": S},
            S,
            [
                {"old": "a\n", "new": "b\n"},
                {"old": "", "new": ""},
                {"old": "same\n", "new": "same\n"},
                {"old": "1\n2\n", "new": "1\n"},
                {"old": "", "new": "x\n"},
            ],
            processes=True,
            paths=["*.txt"],
        ),
        program(
            "child_pool",
            r'''
            """Work in two child processes that both end."""
            import subprocess
            import sys


            def child_pool(numbers: list) -> int:
                """Add numbers up in two children, half each."""
                code = "import sys; print(sum(map(int, sys.stdin.read().split())))"
                half = len(numbers) // 2
                total = 0
                for part in (numbers[:half], numbers[half:]):
                    words = " ".join(str(number) for number in part)
                    done = subprocess.run([sys.executable, "-I", "-c", code], input=words, capture_output=True, text=True)
                    total += int(done.stdout)
                if abs(total) >= 2**53:
                    raise ValueError("too large to be exact")
                return total
            ''',
            {"numbers": L(I)},
            I,
            [{"numbers": n} for n in ([1, 2, 3], [], [5], [-1, 1], list(range(20)))],
            errors=("ValueError",),
            processes=True,
        ),
    ),
)
