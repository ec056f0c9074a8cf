"""The warm interpreter of `ProcessSandbox`: reads requests, forks, watches the child, answers.

Runs as a program of its own, imports nothing of this project. It isolates nothing.
"""

# Replaces parts of the interpreter on purpose, which neither tool can follow:
# mypy: ignore-errors
# ruff: noqa: PTH100, PTH104, PTH120, PTH123, S606, B003

import contextlib
import copy
import json
import os
import resource
import signal
import sys
import time

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main():
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(_serve(json.loads(line))) + "\n")
        sys.stdout.flush()


def _serve(request):
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            _child(request)
        finally:
            os._exit(70)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    status, usage = "exited", None
    pause = 0.0005
    while True:
        pid, code, usage = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - started > request["wall_s"]:
            status = "timeout"
            os.killpg(child, signal.SIGKILL)
            _, code, usage = os.wait4(child, 0)
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if status == "exited" and os.WIFSIGNALED(code):
        status = "timeout" if os.WTERMSIG(code) == signal.SIGXCPU else "killed"
    return {
        "status": status,
        "exit_code": os.waitstatus_to_exitcode(code),
        "wall_s": time.monotonic() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
    }


def _child(request):
    work = request["work"]
    os.chdir(f"{work}/in")
    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(f"{work}/{name}", os.O_WRONLY | os.O_CREAT), number)
    source = f"{work}/stdin" if "argv" in request else "/dev/null"
    os.dup2(os.open(source, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_CPU, (request["cpu_s"], request["cpu_s"] + 1))
    memory = request["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (2 * memory, 2 * memory))
    if "argv" in request:
        argv = request["argv"]
        path = {"PATH": f"{os.path.dirname(sys.executable)}:{os.defpath}", "LANG": "C.UTF-8"}
        seed = {"PYTHONHASHSEED": os.environ["PYTHONHASHSEED"]}
        os.execvpe(argv[0], argv, {**path, **seed})
    answer = _called(request)
    with open(f"{work}/answer.part", "w") as stream:
        stream.write(answer)
    os.rename(f"{work}/answer.part", f"{work}/answer")
    sys.stdout.flush()
    os._exit(0)


def _called(request):
    effects = []
    _distort(request["clock_offset_s"], request["entropy"])
    sys.path.insert(0, request["root"])
    if request["packages"]:
        sys.path.append(request["packages"])
    sys.dont_write_bytecode = True
    arguments = copy.deepcopy(request["arguments"])
    hook = _Watcher(request, effects)
    sys.addaudithook(hook)
    _watch_environment(effects)
    answer = {}
    try:
        import importlib.util

        file = request["file"]
        spec = importlib.util.spec_from_file_location(
            file[:-3].replace("/", "."), f"{request['root']}/{file}"
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        answer["result"] = getattr(module, request["function"])(**arguments)
    except BaseException as error:
        answer = {"error": type(error).__name__, "message": str(error)[:500]}
    hook.closed = True
    if arguments != request["arguments"]:
        effects.append(("arguments", request["function"]))
    answer["effects"] = sorted(set(effects))
    try:
        return json.dumps(answer, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        bad = {"error": "UnserialisableResult", "message": str(error)[:200]}
        return json.dumps({**bad, "effects": answer["effects"]})


class _Watcher:
    def __init__(self, request, effects):
        self.root, self.work = request["root"], f"{request['work']}/in"
        self.effects, self.closed, self.home = effects, False, sys.prefix

    def __call__(self, event, args):
        if self.closed:
            return
        if event == "open" and isinstance(args[0], str):
            self._opened(args[0], args[2] or 0)
        elif event in {"os.remove", "os.rmdir", "shutil.rmtree"}:
            self.effects.append(("delete", self._named(str(args[0]))))
        elif event in {"os.mkdir", "os.rename", "os.symlink", "os.link", "os.truncate"}:
            self.effects.append(("write", self._named(str(args[0]))))
        elif event in {"socket.connect", "socket.getaddrinfo"}:
            target = args[1] if event == "socket.connect" else args[:2]
            parts = target if isinstance(target, tuple) else (target,)
            self.effects.append(("connect", ":".join(map(str, parts[:2]))))
        elif event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}:
            self.effects.append(("process", str(args[0] if args else event)))
        elif event == "ctypes.dlopen":
            self.effects.append(("native", str(args[0])))

    def _named(self, path):
        full = os.path.abspath(path)
        return full.replace(self.work, "/work", 1).replace(self.root, "/artifact", 1)

    def _opened(self, path, flags):
        full = os.path.abspath(path)
        if flags & _WRITING:
            self.effects.append(("write", self._named(path)))
        elif not full.startswith((self.root, self.work, self.home, sys.base_prefix, "/usr/lib")):
            self.effects.append(("read", full))


def _watch_environment(effects):
    class Environment(dict):
        def __getitem__(self, name):
            _looked_up(effects, name)
            return super().__getitem__(name)

        def get(self, name, default=None):
            _looked_up(effects, name)
            return super().get(name, default)

        def __contains__(self, name):
            _looked_up(effects, name)
            return super().__contains__(name)

    os.environ = Environment()


def _looked_up(effects, name):
    effects.append(("environment", name.decode() if isinstance(name, bytes) else str(name)))


def _distort(offset, entropy):
    import datetime
    import random

    now, plain = time.time, datetime.datetime
    if offset:

        class Shifted(plain):
            @classmethod
            def now(cls, tz=None):
                return plain.fromtimestamp(now() + offset, tz)

            utcnow = today = now

        time.time = lambda: now() + offset
        datetime.datetime = Shifted
    if entropy == "system":
        return
    low = entropy == "low"
    source, seed = random._inst, random.seed

    def seeded(*args, **kwargs):
        for name in ("random", "getrandbits", "_randbelow"):
            vars(source).pop(name, None)
        random.random, random.getrandbits = source.random, source.getrandbits
        return seed(*args, **kwargs)

    source.random = random.random = lambda: 0.0 if low else 0.9999999999
    source.getrandbits = random.getrandbits = lambda bits: 0 if low else (1 << bits) - 1
    source._randbelow = lambda count: 0 if low else count - 1
    random.seed = seeded


if __name__ == "__main__":
    main()
