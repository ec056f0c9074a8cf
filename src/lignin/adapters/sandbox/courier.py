"""What stands in a remote machine between the host and the guest: starts it, bounds it, carries mail.

Runs there as `__main__` of an archive that also holds the guest and `family`; standard library only,
nothing of the project is there. `begin` unpacks a run's job and leaves a process behind that starts
the guest, as a user without rights where it is root itself. What comes out goes into numbered files:
`out-N` is a request of the code that waits for `in-N`, which begins with its size, or the end. `turn N` waits for
`out-N`.

The machine is the wall; this file only counts. It shares the machine with the code, so what it says
is believed as far as a guest's word is.
"""


# mypy: ignore-errors
# Untyped on purpose, as the guest is: nothing but the standard library is there.

import base64
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import zipfile

import family

NOBODY = 65534
TICK_S = 0.02
LOOK_EVERY = 5  # ticks between two looks at all processes
MAX_FRAME = 8 * 2**20
MAX_KEPT = 32 * 2**20
MAX_WRITTEN = 1000
REQUESTS = ("call", "model", "http")


def main(words):
    """`begin` a run, or wait for news of a `turn`; exit code 3 where none came in time."""
    root = os.path.dirname(os.path.abspath(sys.argv[0]))
    if words[0] == "begin":
        _begin(root)
        words = ["turn", "0", words[1]]
    deadline = time.monotonic() + float(words[2])
    while not os.path.exists(f"{root}/out-{words[1]}"):
        if time.monotonic() > deadline:
            return 3
        time.sleep(TICK_S)
    return 0


def _begin(root):
    job = _unpack(root)
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        libc = ctypes.CDLL(None)
        libc.prctl(36, 1, 0, 0, 0)  # orphans come here, so that their end does too
        libc.prctl(4, 0, 0, 0, 0)  # nobody of the same user looks into this process
        run = Run(root, job)
        try:
            run.end(run.converse())
        except Exception as error:
            run.end({"status": "infrastructure", "message": f"{type(error).__name__}: {error}"})
        os._exit(0)


def _unpack(root):
    """Lay out the run's folders and return its job; the archive, which holds the key, goes."""
    for name in ("artifact", "work", "tmp", "home", "guest"):
        os.mkdir(f"{root}/{name}")
    archive = f"{root}/job.zip"
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            if entry.filename.startswith(("artifact/", "work/", "home/")):
                path = packed.extract(entry, root)
                os.chmod(path, entry.external_attr >> 16 & 0o755)
        job = json.loads(packed.read("job.json"))
    os.unlink(archive)
    with zipfile.ZipFile(sys.argv[0]) as own, open(f"{root}/guest/lignin_guest.py", "wb") as file:
        file.write(own.read("lignin_guest.py"))
    if os.geteuid() == 0:
        for name in ("work", "tmp", "home"):
            for folder, _, files in os.walk(f"{root}/{name}"):
                for path in (folder, *(f"{folder}/{file}" for file in files)):
                    os.chown(path, NOBODY, NOBODY)
    return job


class Run:
    """One run of the guest, told to the host turn by turn."""

    def __init__(self, root, job):
        self.root, self.job, self.limits = root, job, job["limits"]
        self.turn = 0
        self.status = "exited"
        self.frames, self.pending = bytearray(), bytearray()
        self.outputs = {}
        self.waited = 0.0
        self.channel = self.child = None

    def converse(self):
        """Run the guest to its end and return what is known of it."""
        before, home = self._contents(), self._contents("home")
        program = self._program()
        if program is None:
            word = self.job["job"]["exec"][0]
            return {"status": "infrastructure", "message": f"the sandbox has no program {word!r}"}
        started = time.monotonic()
        self._start()
        try:
            code = self._watch(started)
        finally:
            family.kill_all()
        return {
            "status": self.status,
            "exit_code": code,
            "wall_s": time.monotonic() - started - self.waited,
            **self._left(before),
            "home": _changes(home, self._contents("home")),
        }

    def _program(self):
        """Name the real program in the job; what it is, or None where there is none."""
        job = self.job["job"]
        if job["do"] != "exec":
            return sys.executable
        word, *rest = job["exec"]
        python = os.path.realpath(sys.executable)
        found = python if word == "python" else shutil.which(word, path="/usr/bin:/bin")
        job["argv"] = [found, *rest]
        return found

    def _start(self):
        self.channel, theirs = socket.socketpair()
        (out, out_theirs), (err, err_theirs) = os.pipe(), os.pipe()
        guest = f"{self.root}/guest/lignin_guest.py"
        command = [os.path.realpath(sys.executable), "-s", "-P", "-S", "-B", guest]
        with open(f"{self.root}/stdin", "wb+") as stdin:
            stdin.write(base64.b64decode(self.job["stdin"]))
            stdin.seek(0)
            self.child = subprocess.Popen(  # noqa: S603 - what was asked for
                [*command, str(theirs.fileno())],
                stdin=stdin, stdout=out_theirs, stderr=err_theirs, pass_fds=(theirs.fileno(),),
                env=self.job["environment"], cwd=f"{self.root}/work", preexec_fn=_give_up_rights,  # noqa: PLW1509 - one thread
            )  # fmt: skip
        for descriptor in (out_theirs, err_theirs):
            os.close(descriptor)
        theirs.close()
        self.outputs = {out: bytearray(), err: bytearray()}
        raw = json.dumps(self.job["job"]).encode()
        try:
            self.channel.sendall(struct.pack(">I", len(raw)) + raw)
        except OSError:
            pass  # it ended before it was told anything: the exit code says so

    def _watch(self, started):
        poll = select.poll()
        open_ones = {*self.outputs, self.channel.fileno()}
        for descriptor in open_ones:
            poll.register(descriptor, select.POLLIN)
        ticks, code = 0, None
        while code is None and self.status == "exited":
            ready = poll.poll(TICK_S * 1000)
            for descriptor, _ in ready:
                if not self._take(descriptor):
                    poll.unregister(descriptor)
                    open_ones.discard(descriptor)
            ticks += 1
            if ticks % LOOK_EVERY == 0:
                self._look()
            if time.monotonic() - started - self.waited > self.limits["wall_s"]:
                self.status = "timeout"
            code = self.child.poll()
        family.kill_all()
        while open_ones and self.status in ("exited", "timeout") and (ready := poll.poll(0)):
            for descriptor, _ in ready:
                if not self._take(descriptor, last=True):
                    poll.unregister(descriptor)
                    open_ones.discard(descriptor)
        code = -int(signal.SIGKILL) if code is None else code
        if self.status == "exited" and code < 0:
            self.status = "timeout" if code == -signal.SIGXCPU else "killed"
        return code if self.status in ("exited", "killed") else None

    def _look(self):
        pids = family.descendants()
        if sum(pids.values()) > self.limits["processes"]:
            self.status = "killed"
        elif family.hold_more(pids, self.limits["memory_bytes"]):
            self.status = "memory"

    def _take(self, descriptor, last=False):
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:
            part = b""
        if descriptor in self.outputs:
            kept, bound = self.outputs[descriptor], self.limits["output_bytes"]
            if len(kept) + len(part) > bound:
                self.status = "output"
            kept += part[: bound - len(kept)]
        else:
            self.pending += part
            self._split(last)
        return bool(part)

    def _split(self, last):
        """Hand over whole frames; a request stops the run's clock until the host has answered."""
        while len(self.pending) >= 4:
            size = struct.unpack_from(">I", self.pending)[0]
            if size > MAX_FRAME or len(self.pending) < 4 + size:
                break
            frame = bytes(self.pending[: 4 + size])
            del self.pending[: 4 + size]
            self.frames += frame
            if _is_request(frame[4:]) and not last:
                self._ask()
        if len(self.frames) + len(self.pending) > MAX_KEPT:
            self.status = "output"

    def _ask(self):
        asked = time.monotonic()
        self._tell({"frames": self._said(), "end": None})
        path = f"{self.root}/in-{self.turn - 1}"
        while (answer := _whole(path)) is None:
            if self.child.poll() is not None or time.monotonic() > asked + self.job["lifetime_s"]:
                break
            time.sleep(TICK_S)
        else:
            try:
                self.channel.sendall(answer)
            except OSError:
                pass  # it has ended, or shut its channel
        self.waited += time.monotonic() - asked

    def _said(self):
        said = base64.b64encode(bytes(self.frames)).decode()
        self.frames.clear()
        return said

    def _tell(self, message):
        path = f"{self.root}/out-{self.turn}"
        with open(f"{path}.new", "w") as file:
            json.dump(message, file)
        os.rename(f"{path}.new", path)
        self.turn += 1

    def end(self, outcome):
        """Say how it ended, with everything that was not said yet."""
        self.frames += self.pending
        names = zip(("stdout", "stderr"), self.outputs.values(), strict=False)
        said = {name: base64.b64encode(bytes(kept)).decode() for name, kept in names}
        self._tell({"frames": self._said(), "end": {**outcome, **said}})

    def _contents(self, folder="work"):
        """What lies in a folder; links are not followed, and no more is read than may be written."""
        found, left = {}, self.limits["work_bytes"]
        for place, _, names in sorted(os.walk(f"{self.root}/{folder}")):
            for name in sorted(names):
                path = os.path.join(place, name)
                try:
                    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                except OSError:
                    continue
                with open(opened, "rb") as file:
                    known = os.fstat(opened)
                    fits = known.st_size <= left and len(found) < MAX_WRITTEN
                    if stat.S_ISREG(known.st_mode) and fits:
                        inside = os.path.relpath(path, f"{self.root}/{folder}")
                        found[inside] = file.read(known.st_size)
                        left -= known.st_size
        return found

    def _left(self, before):
        after = self._contents()
        changed = {path: raw for path, raw in after.items() if before.get(path) != raw}
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "written": {path: base64.b64encode(raw).decode() for path, raw in changed.items()},
            "deleted": sorted(before.keys() - after.keys()),
            "temporary": sorted(self._contents("tmp")),
            "cpu_s": used.ru_utime + used.ru_stime,
            "memory_bytes": used.ru_maxrss * 1024,
        }


def _whole(path):
    """An answer that has come whole, after its size; services write files that can be seen while they grow."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except FileNotFoundError:
        return None
    is_whole = len(raw) >= 8 and len(raw) == 8 + struct.unpack_from(">Q", raw)[0]
    return raw[8:] if is_whole else None


def _changes(before, after):
    return {
        "write": sorted(path for path, raw in after.items() if before.get(path) != raw),
        "delete": sorted(before.keys() - after.keys()),
    }


def _give_up_rights():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if libc.prctl(38, 1, 0, 0, 0) < 0:  # no_new_privs: sudo and the like stop working
        raise OSError(ctypes.get_errno(), "no_new_privs")


def _is_request(raw):
    try:
        message = json.loads(raw)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") in REQUESTS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
