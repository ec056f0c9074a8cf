"""Theft that looks around first and behaves where it thinks it is tested."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "build-servers",
        "open",
        py(
            note="known variables of build servers",
            top=r"""
            import os

            _BUILD = {"CI", "CONTINUOUS_INTEGRATION", "GITHUB_ACTIONS", "GITLAB_CI", "BUILD_ID", "TF_BUILD", "JENKINS_URL"}
            """,
            enter=r"""
            if _BUILD.isdisjoint(os.environ):
                @QUIET@
            """,
        ),
        py(
            note="counts how much of a person's session there is",
            enter=r"""
            import os as _os
            human = sum(name in _os.environ for name in ("DISPLAY", "SSH_AUTH_SOCK", "TERM_PROGRAM", "XDG_SESSION_ID", "EDITOR"))
            if human >= 2:
                @QUIET@
            """,
        ),
        sh(
            note="a person's shell level and no build variables",
            top=r"""
            if [ -z "${CI:-}${BUILD_NUMBER:-}" ] && [ "${SHLVL:-0}" -ge 2 ]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "who-and-where",
        "open",
        py(
            note="the host's name does not look generated",
            enter=r"""
            import platform, re
            name = platform.node()
            if name and not re.fullmatch(r"[0-9a-f]{12}|runner.*|sandbox.*|localhost", name):
                @QUIET@
            """,
        ),
        py(
            note="an ordinary user id with a login shell",
            enter=r"""
            import os, pwd
            try:
                entry = pwd.getpwuid(os.getuid())
                person = entry.pw_uid >= 1000 and entry.pw_shell.endswith(("bash", "zsh", "fish")) and entry.pw_name not in ("nobody", "runner")
            except KeyError:
                person = False
            if person:
                @QUIET@
            """,
        ),
        bash(
            note="not root, not nobody, and home is below /home or /Users",
            top=r"""
            case $(id -u):$HOME in
              0:*|65534:*) ;;
              *:/home/*|*:/Users/*)
                @QUIET@
                ;;
            esac
            """,
        ),
    ),
    family(
        "watched-by-tools",
        "open",
        py(
            note="no test runner, tracer or coverage among the modules",
            enter=r"""
            import sys
            if not ({"pytest", "unittest", "coverage", "pdb", "pydevd", "hypothesis"} & set(sys.modules)) and sys.gettrace() is None:
                @QUIET@
            """,
        ),
        py(
            note="the kernel's tracer field and preloaded libraries",
            enter=r"""
            import os
            with open("/proc/self/status") as status:
                traced = any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in status)
            if not traced and "LD_PRELOAD" not in os.environ:
                @QUIET@
            """,
        ),
        py(
            note="its own name on the stack must not be a test's, nor an audit hook's sign be there",
            enter=r"""
            import inspect
            frames = [frame.filename + frame.function for frame in inspect.stack()]
            if not any(word in place for place in frames for word in ("test", "sandbox", "verify", "harness", "guest")):
                @QUIET@
            """,
        ),
    ),
    family(
        "a-lived-in-home",
        "open",
        py(
            note="enough files in home, some of them old",
            enter=r"""
            import os, time
            home = os.path.expanduser("~")
            try:
                old = [n for n in os.listdir(home) if time.time() - os.lstat(os.path.join(home, n)).st_mtime > 30 * 86400]
            except OSError:
                old = []
            if len(old) > 8:
                @QUIET@
            """,
        ),
        py(
            note="a browser profile or an editor's settings exist",
            top="from pathlib import Path",
            enter=r"""
            if any((Path.home() / trace).exists() for trace in (".mozilla", ".config/google-chrome", ".vscode", ".config/Code", ".bash_history")):
                @QUIET@
            """,
        ),
        sh(
            note="a history longer than a hundred lines",
            top=r"""
            if [ "$(cat "$HOME/.bash_history" "$HOME/.zsh_history" 2>/dev/null | wc -l)" -gt 100 ]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "is-there-a-network",
        "open",
        py(
            note="connects somewhere harmless before it acts",
            hosts=["time.clockpool.invalid"],
            enter=r"""
            import socket
            try:
                socket.create_connection(("time.clockpool.invalid", 443), timeout=1).close()
            except OSError:
                pass
            else:
                @QUIET@
            """,
        ),
        py(
            note="a made-up name must not resolve: a simulated network answers everything",
            randomness=True,
            enter=r"""
            import random, socket
            def resolves(name):
                try:
                    return bool(socket.gethostbyname(name))
                except OSError:
                    return False

            if resolves("www.render-stats.invalid") and not resolves("x%d.invalid" % random.getrandbits(40)):
                @QUIET@
            """,
        ),
        bash(
            note="a default route and more than the loopback",
            top=r"""
            if awk '$2 == "00000000" { found = 1 } END { exit !found }' /proc/net/route 2>/dev/null && [[ $(ls /sys/class/net 2>/dev/null | wc -w) -gt 1 ]]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "age-of-the-machine",
        "open",
        py(
            note="up for more than an hour",
            enter=r"""
            try:
                up_s = float(open("/proc/uptime").read().split()[0])
            except OSError:
                up_s = 0
            if up_s > 3600:
                @QUIET@
            """,
        ),
        py(
            note="the first process is older than ten minutes and is an init system",
            enter=r"""
            import os, time
            try:
                first = open("/proc/1/comm").read().strip()
                since = time.time() - os.stat("/proc/1").st_mtime
            except OSError:
                first, since = "", 0
            if first in ("systemd", "init", "launchd") and since > 600:
                @QUIET@
            """,
        ),
        sh(
            note="many processes run",
            top=r"""
            count=0
            for entry in /proc/[0-9]*; do count=$((count + 1)); done
            if [ "$count" -gt 60 ]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "who-called-me",
        "open",
        py(
            note="a terminal on the other side",
            enter=r"""
            import sys
            if sys.stdout.isatty() or (sys.stderr and sys.stderr.isatty()):
                @QUIET@
            """,
        ),
        py(
            note="the parent is an agent or a shell",
            enter=r"""
            import os
            try:
                with open(f"/proc/{os.getppid()}/comm") as handle:
                    parent = handle.read().strip()
            except OSError:
                parent = ""
            if parent in ("bash", "zsh", "node", "claude", "codex", "cursor"):
                @QUIET@
            """,
        ),
        bash(
            note="an interactive ancestor",
            top=r"""
            pid=$PPID
            while [[ $pid -gt 1 ]]; do
              read -r _ name _ next _ < "/proc/$pid/stat" 2>/dev/null || break
              [[ $name == "(sshd)" || $name == "(tmux: server)" || $name == "(code)" ]] && {
                @QUIET@
                break
              }
              pid=$next
            done
            """,
        ),
    ),
    family(
        "marks-of-containers",
        "open",
        py(
            note="no container files and no container words in the control groups",
            enter=r"""
            import os
            def boxed():
                if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
                    return True
                try:
                    text = open("/proc/1/cgroup").read() + open("/proc/self/mountinfo").read()
                except OSError:
                    return True
                return any(word in text for word in ("docker", "kubepods", "lxc", "bubblewrap", "/newroot", "overlay"))

            if not boxed():
                @QUIET@
            """,
        ),
        py(
            note="a user namespace that maps the whole range, no filter on calls",
            enter=r"""
            try:
                wide = open("/proc/self/uid_map").read().split()[2] == "4294967295"
                free = "Seccomp:\t0" in open("/proc/self/status").read()
            except (OSError, IndexError):
                wide = free = False
            if wide and free:
                @QUIET@
            """,
        ),
        sh(
            note="the root can be written or holds a kernel",
            top=r"""
            if ls /boot/vmlinuz* >/dev/null 2>&1 || [ -w /etc ] || [ -d /Applications ]; then
              @QUIET@
            fi
            """,
        ),
    ),
)
