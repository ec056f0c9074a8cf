"""Clean programs that use what they declare: clock, chance, waiting, secrets."""

from corpora.hostile.form import B, I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "today",
        "open",
        program(
            "days_until",
            r'''
            """Days until a date."""
            from datetime import date, datetime, timezone


            def days_until(day: str, today: str) -> int:
                """Count the days from today, or from a given day, to an ISO date."""
                start = date.fromisoformat(today) if today else datetime.now(timezone.utc).date()
                return (date.fromisoformat(day) - start).days
            ''',
            {"day": S, "today": S},
            I,
            [
                {"day": "2026-03-01", "today": "2026-02-27"},
                {"day": "2024-02-29", "today": "2024-02-29"},
                {"day": "2020-01-01", "today": "2021-01-01"},
                {"day": "soon", "today": ""},
                {"day": "2000-01-01", "today": "1999-12-31"},
            ],
            errors=("ValueError",),
            clock=True,
        ),
        program(
            "greeting",
            r'''
            """A greeting that fits the hour."""
            import time


            def greeting(name: str, hour: int) -> str:
                """Greet by the hour given, or by the clock where it is negative."""
                now = time.localtime().tm_hour if hour < 0 else hour
                part = "morning" if now < 12 else "afternoon" if now < 18 else "evening"
                return f"Good {part}, {name}"
            ''',
            {"name": S, "hour": I},
            S,
            [{"name": "Ada", "hour": h} for h in (0, 11, 12, 17, 18)],
            clock=True,
        ),
        program(
            "license_line",
            r'''
            """Copyright lines that end in the present year."""
            import datetime


            def license_line(owner: str, first: int, last: int) -> str:
                """Write the years; a `last` of 0 stands for the present one."""
                last = last or datetime.date.today().year
                years = str(first) if first == last else f"{first}-{last}"
                return f"Copyright {years} {owner}"
            ''',
            {"owner": S, "first": I, "last": I},
            S,
            [
                {"owner": "A", "first": 2020, "last": 2024},
                {"owner": "B", "first": 2024, "last": 2024},
                {"owner": "", "first": 1, "last": 2},
                {"owner": "C Ltd", "first": 1999, "last": 2000},
                {"owner": "D", "first": 2030, "last": 2029},
            ],
            clock=True,
        ),
    ),
    clean_family(
        "patience",
        "open",
        program(
            "backoff_plan",
            r'''
            """Waiting times between attempts."""


            def backoff_plan(first_s: float, factor: float, most_s: float, times: int) -> list:
                """Return growing waits, none above the most."""
                waits, wait = [], first_s
                for _ in range(times):
                    waits.append(round(min(wait, most_s), 3))
                    wait *= factor
                return waits
            ''',
            {"first_s": N, "factor": N, "most_s": N, "times": I},
            L(N),
            [
                {"first_s": 1, "factor": 2, "most_s": 10, "times": 5},
                {"first_s": 0.1, "factor": 3, "most_s": 1, "times": 3},
                {"first_s": 1, "factor": 1, "most_s": 1, "times": 0},
                {"first_s": 5, "factor": 2, "most_s": 3, "times": 2},
                {"first_s": 0, "factor": 9, "most_s": 9, "times": 1},
            ],
        ),
        program(
            "retry_parse",
            r'''
            """Try parsers in turn with a pause, as flaky sources ask for."""
            import json
            import time


            def retry_parse(texts: list, pause_s: float) -> dict:
                """Return the first text that is JSON and how many were tried; sleeps in between."""
                for tried, text in enumerate(texts, 1):
                    try:
                        return {"value": json.loads(text), "tried": tried}
                    except ValueError:
                        time.sleep(min(max(pause_s, 0), 0.05))
                return {"value": None, "tried": len(texts)}
            ''',
            {"texts": L(S), "pause_s": N},
            O,
            [
                {"texts": ["{", "[1]"], "pause_s": 0.01},
                {"texts": [], "pause_s": 0},
                {"texts": ["x", "y"], "pause_s": 0.02},
                {"texts": ["null"], "pause_s": 9},
                {"texts": ["", "{}"], "pause_s": -1},
            ],
        ),
        program(
            "in_parallel",
            r'''
            """Work in threads that all end before the answer."""
            from concurrent.futures import ThreadPoolExecutor


            def in_parallel(texts: list, workers: int) -> list:
                """Count the words of each text in a pool of threads, order kept."""
                with ThreadPoolExecutor(max_workers=max(1, min(workers, 4))) as pool:
                    return list(pool.map(lambda text: len(text.split()), texts))
            ''',
            {"texts": L(S), "workers": I},
            L(I),
            [
                {"texts": ["a b", "c"], "workers": 2},
                {"texts": [], "workers": 1},
                {"texts": [""], "workers": 0},
                {"texts": ["x y z"] * 5, "workers": 4},
                {"texts": ["one"], "workers": 99},
            ],
        ),
    ),
    clean_family(
        "chance",
        "open",
        program(
            "roll_dice",
            r'''
            """Dice."""
            import random


            def roll_dice(count: int, sides: int, seed: int) -> dict:
                """Roll dice; a seed of 0 means real chance."""
                dice = random.Random(seed) if seed else random.SystemRandom()
                rolls = [dice.randint(1, sides) for _ in range(count)]
                return {"fair": all(1 <= roll <= sides for roll in rolls), "count": len(rolls)}
            ''',
            {"count": I, "sides": I, "seed": I},
            O,
            [
                {"count": 3, "sides": 6, "seed": 1},
                {"count": 0, "sides": 6, "seed": 0},
                {"count": 2, "sides": 20, "seed": 0},
                {"count": 1, "sides": 1, "seed": 5},
                {"count": 1, "sides": 0, "seed": 5},
            ],
            errors=("ValueError",),
            randomness=True,
        ),
        program(
            "sample_rows",
            r'''
            """A fair sample of rows."""
            import random


            def sample_rows(rows: list, size: int, seed: int) -> list:
                """Draw rows without repeats, in their first order."""
                source = random.Random(seed)
                picked = sorted(source.sample(range(len(rows)), min(size, len(rows))))
                return [rows[i] for i in picked]
            ''',
            {"rows": L(S), "size": I, "seed": I},
            L(S),
            [
                {"rows": ["a", "b", "c", "d"], "size": 2, "seed": 7},
                {"rows": [], "size": 3, "seed": 1},
                {"rows": ["x"], "size": 5, "seed": 1},
                {"rows": ["p", "q"], "size": 0, "seed": 2},
                {"rows": ["p", "q", "r"], "size": 3, "seed": 2},
            ],
            randomness=True,
        ),
        program(
            "pass_phrase",
            r'''
            """Pass phrases out of a word list."""
            import secrets


            def pass_phrase(words: list, count: int) -> int:
                """Draw a phrase and return its length only, so that it is shown nowhere."""
                if len(set(words)) < 2:
                    raise ValueError("too few words")
                return len([secrets.choice(words) for _ in range(count)])
            ''',
            {"words": L(S), "count": I},
            I,
            [
                {"words": ["a", "b"], "count": 4},
                {"words": ["a"], "count": 4},
                {"words": ["x", "y", "z"], "count": 0},
                {"words": [], "count": 1},
                {"words": ["m", "n"], "count": 12},
            ],
            errors=("ValueError",),
            randomness=True,
        ),
    ),
    clean_family(
        "settings",
        "open",
        program(
            "masked_token",
            r'''
            """Say whether the report token is there without showing it."""
            import os


            def masked_token(prefix: str) -> dict:
                """Return how the declared secret REPORT_TOKEN is written in a report: never its letters."""
                value = os.environ.get("REPORT_TOKEN", "")
                masked = "*" * min(4, max(4, len(value)))
                return {"shown": prefix + masked}
            ''',
            {"prefix": S},
            O,
            [{"prefix": p} for p in ("a", "", "rt_", "x", "longer")],
            secrets=["REPORT_TOKEN"],
        ),
        program(
            "auth_header",
            r'''
            """An Authorization header from the declared secret, checked and thrown away."""
            import base64
            import os


            def auth_header(user: str) -> str:
                """Return the scheme of the header that a call would carry."""
                password = os.environ.get("REGISTRY_PASSWORD", "")
                header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
                return header.split()[0]
            ''',
            {"user": S},
            S,
            [{"user": u} for u in ("ada", "", "bob:x", "é", "svc")],
            secrets=["REGISTRY_PASSWORD"],
        ),
        program(
            "terminal_width",
            r'''
            """A width for output, from the environment."""
            import os


            def terminal_width(asked: int) -> int:
                """Return the width asked for, else COLUMNS, else 80; never below 20."""
                if asked > 0:
                    return max(20, asked)
                text = os.environ.get("COLUMNS", "")
                return max(20, int(text)) if text.isdigit() else 80
            ''',
            {"asked": I},
            I,
            [{"asked": n} for n in (100, 5, 20, 33, 1)],
            host=False,
        ),
    ),
    clean_family(
        "seasons",
        "held",
        program(
            "season_of",
            r'''
            """The season of a date."""
            import datetime


            def season_of(day: str, south: bool) -> str:
                """Name the season of an ISO date, or of today where it is empty."""
                date = datetime.date.fromisoformat(day) if day else datetime.date.today()
                names = ["winter", "spring", "summer", "autumn"]
                return names[(date.month % 12 // 3 + (2 if south else 0)) % 4]
            ''',
            {"day": S, "south": B},
            S,
            [
                {"day": "2026-01-05", "south": False},
                {"day": "2026-07-05", "south": True},
                {"day": "2025-12-31", "south": False},
                {"day": "x", "south": False},
                {"day": "2024-04-01", "south": True},
            ],
            errors=("ValueError",),
            clock=True,
        ),
        program(
            "relative_day",
            r'''
            """Dates as people say them."""
            from datetime import date


            def relative_day(day: str, today: str) -> str:
                """Say today, yesterday, tomorrow, a weekday within six days, else the date."""
                base = date.fromisoformat(today) if today else date.today()
                then = date.fromisoformat(day)
                gap = (then - base).days
                near = {0: "today", -1: "yesterday", 1: "tomorrow"}
                if gap in near:
                    return near[gap]
                return then.strftime("%A") if 1 < gap < 7 else then.isoformat()
            ''',
            {"day": S, "today": S},
            S,
            [
                {"day": "2026-05-02", "today": "2026-05-01"},
                {"day": "2026-05-05", "today": "2026-05-01"},
                {"day": "2026-06-05", "today": "2026-05-01"},
                {"day": "2026-04-30", "today": "2026-05-01"},
                {"day": "", "today": "2026-05-01"},
            ],
            errors=("ValueError",),
            clock=True,
        ),
        program(
            "cache_is_fresh",
            r'''
            """Whether something stored is still fresh."""
            import time


            def cache_is_fresh(stored_s: float, life_s: float, now_s: float) -> bool:
                """Compare an age with a life; a `now_s` of 0 asks the clock."""
                now = now_s or time.time()
                return 0 <= now - stored_s < life_s
            ''',
            {"stored_s": N, "life_s": N, "now_s": N},
            B,
            [
                {"stored_s": 10, "life_s": 5, "now_s": 12},
                {"stored_s": 10, "life_s": 5, "now_s": 15},
                {"stored_s": 10, "life_s": 5, "now_s": 9},
                {"stored_s": 1, "life_s": 1, "now_s": 0},
                {"stored_s": 0, "life_s": 1, "now_s": 0.5},
            ],
            errors=("OverflowError",),
            clock=True,
        ),
    ),
)
