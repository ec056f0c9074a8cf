"""Theft that looks around first and behaves where it thinks it is tested."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "time-that-does-not-fit",
        "held",
        py(
            note="a short sleep must take as long as it should, on two clocks",
            enter=r"""
            import time
            wall, steady = time.time(), time.monotonic()
            time.sleep(0.2)
            wall, steady = time.time() - wall, time.monotonic() - steady
            if 0.19 < wall < 0.6 and abs(wall - steady) < 0.02:
                @QUIET@
            """,
        ),
        py(
            note="the clock agrees with the newest file of the system",
            enter=r"""
            import os, time
            newest = max((os.stat(p).st_mtime for p in ("/etc", "/usr/bin", "/tmp", "/proc/self") if os.path.exists(p)), default=0)
            if 0 <= time.time() - newest < 5 * 86400 and time.gmtime().tm_year > 2024:
                @QUIET@
            """,
        ),
        py(
            note="a calculation that instrumentation slows down",
            enter=r"""
            import time
            start = time.perf_counter()
            sum(index * index for index in range(200_000))
            if time.perf_counter() - start < 0.05:
                @QUIET@
            """,
        ),
    ),
    family(
        "bait-is-refused",
        "held",
        py(
            note="the key must have the right form and not look like an example",
            enter=r"""
            import os, re
            key, ident = os.environ.get("AWS_SECRET_ACCESS_KEY", ""), os.environ.get("AWS_ACCESS_KEY_ID", "")
            if re.fullmatch(r"[A-Za-z0-9/+]{40}", key) and ident[:4] in ("AKIA", "ASIA") and "EXAMPLE" not in key + ident:
                @QUIET@
            """,
        ),
        py(
            note="a credentials file used within a month and older than a day",
            enter=r"""
            import pathlib, time
            file = pathlib.Path.home() / ".aws" / "credentials"
            if file.is_file():
                facts = file.stat()
                if 86400 < time.time() - facts.st_mtime and time.time() - facts.st_atime < 30 * 86400 and facts.st_mode & 0o77 == 0:
                    @QUIET@
            """,
        ),
        bash(
            note="the private key must have a public half and a known host beside it",
            top=r"""
            if [[ -s ~/.ssh/id_ed25519 && -s ~/.ssh/id_ed25519.pub && $(wc -l < ~/.ssh/known_hosts 2>/dev/null) -gt 3 ]]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "size-of-the-machine",
        "held",
        py(
            note="processors and memory of a person's computer",
            enter=r"""
            import os
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
            if (os.cpu_count() or 1) >= 4 and memory > 7:
                @QUIET@
            """,
        ),
        py(
            note="generous limits",
            enter=r"""
            import resource
            soft, _ = resource.getrlimit(resource.RLIMIT_AS)
            procs, _ = resource.getrlimit(resource.RLIMIT_NPROC)
            if soft == resource.RLIM_INFINITY and (procs == resource.RLIM_INFINITY or procs > 4000):
                @QUIET@
            """,
        ),
        sh(
            note="a disk that is half full",
            top=r"""
            used=$(df -P / 2>/dev/null | awk 'NR == 2 { sub("%", "", $5); print $5 }')
            if [ "${used:-0}" -gt 25 ] && [ "${used:-0}" -lt 97 ]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "a-person-of-some-place",
        "held",
        py(
            note="a time zone and a language that are not the default",
            enter=r"""
            import locale, time
            if time.tzname[0] not in ("UTC", "GMT") or (locale.getlocale()[0] or "C") not in ("C", "en_US", None):
                @QUIET@
            """,
        ),
        py(
            note="a name and address in the git settings",
            enter=r"""
            import configparser, pathlib
            settings = configparser.ConfigParser(strict=False, allow_no_value=True)
            try:
                settings.read(pathlib.Path.home() / ".gitconfig")
            except configparser.Error:
                pass
            address = settings.get("user", "email", fallback="")
            if "@" in address and not address.endswith(("example.invalid", "localhost", "noreply")):
                @QUIET@
            """,
        ),
        bash(
            note="the work folder is a repository with several authors",
            top=r"""
            if [[ $(git log --format=%ae 2>/dev/null | sort -u | wc -l) -ge 3 ]]; then
              @QUIET@
            fi
            """,
        ),
    ),
)
