"""All that confined code sees of Lignin: runs it, says what it did, carries its requests.

One file, standard library only, mounted read-only and importable as `lignin_guest`. It owns the
protocol on descriptor 3 (frames: four bytes of length, big-endian, then JSON), the call of the
function, and the observation of effects. What it observes is evidence about honest and careless
code, not a wall: code that means to hide can (it shares this interpreter). The walls are the
kernel's and lie elsewhere.

What counts as an effect, and what is quiet on purpose:
- `write`, `delete`: any path but `/dev/null`. All of `/tmp` is reported as `/tmp`: names there are
  random and end with the run.
- `read`: a path outside the tree, `/tmp` and the interpreter, also where it is only asked whether
  there is such a file. In the work folder only what a called function reads: a command's files are
  given to it there.
  In a call also source of the artifact that other code than itself reads, but for an import.
- `guest`: code that reached for this recorder, or for frames and objects by which it could.
- `clock`, `randomness`: reads by the code, also through the standard library (`uuid4`, a gzip
  header), but not what `logging`, `threading`, `tempfile` and their like do for themselves. The
  monotonic clocks, `sleep`, a `Random(42)` and the global functions after `seed(3)` are quiet. The
  process number counts as randomness and differs with the entropy.
- `misplaced`: a path such as `/tmp/x` where this tier has that folder elsewhere and refuses it.
- `environment`: a variable asked for by the code; what the standard library looks up is quiet.
- `left`: a thread that a call has left at work.
- `overflow`: more effects of the named kind than are told. Each kind has room of its own, so that
  none crowds out another; all of /usr is one where there is no more room for its parts.
- `global`: interpreter-wide state that differs afterwards, the seed of the caller's `random` too.
  Importing modules is quiet. What a called function registers for the exit is run and watched.
"""

# mypy: ignore-errors
# Untyped on purpose: it replaces parts of the interpreter, and `typing` would be loaded in each run.

import _signal
import _sitebuiltins
import _thread
import builtins
import ctypes
import datetime
import functools
import gc
import importlib.util
import io
import json
import locale
import math
import opcode
import operator
import os
import posix
import random
import re
import resource
import secrets  # noqa: F401 - loaded before the patches, so that it is patched too
import signal
import sys
import threading
import time
import traceback
import types
import uuid
import warnings

__builtins__ = dict(vars(builtins))  # what the code puts into the shared ones is not used here

CHANNEL_FD = 3
MAX_FRAME = 8 * 2**20
MAX_EFFECTS = 1000
MAX_TARGET = 300
MAX_DEPTH = 200
MAX_INTEGER = 2**53

_STDLIB = os.path.dirname(os.path.realpath(os.__file__)) + "/"
_THIN = (
    *("os.py", "random.py", "secrets.py", "_collections_abc.py", "posixpath.py", "pathlib"),
    "genericpath.py",
)
_TRANSPARENT = (
    *(_STDLIB + name for name in _THIN),
    *("<frozen os>", "<frozen posixpath>", "<frozen _collections_abc>", "<frozen genericpath>"),
)
_QUIET = tuple(
    _STDLIB + name
    for name in (
        "asyncio/", "concurrent/", "logging/", "multiprocessing/", "selectors.py", "socket.py",
        "ssl.py", "subprocess.py", "tempfile.py", "threading.py", "queue.py", "_strptime.py",
        "traceback.py", "warnings.py", "importlib/", "shutil.py",
    )
)  # fmt: skip
_READS_FOR_ITSELF = (
    "<frozen importlib",
    *(
        _STDLIB + name
        for name in (
            "ctypes/", "encodings/", "gettext.py", "importlib/", "linecache.py", "locale.py",
            "mimetypes.py", "platform.py", "ssl.py", "traceback.py", "uuid.py", "zoneinfo/",
        )
    ),
)  # fmt: skip
_READABLE = ("/usr/share/zoneinfo/", "/usr/share/locale/", "/usr/lib/locale/", "/proc/self/fd")
_IGNORED_FILES = ("/dev/null", "/dev/zero", "/dev/full")


# --- the channel -------------------------------------------------------------------------------

_lock = threading.RLock()
# The code may replace these where they come from.
_dumps, _loads, _read, _write = json.dumps, json.loads, os.read, os.write
_getframe, _get_ident, _cwd, _fspath, _fsencoding = (
    sys._getframe, _thread.get_ident, posix.getcwd, posix.fspath, sys.getfilesystemencoding()
)  # fmt: skip
_normpath = getattr(posix, "_path_normpath", None) or os.path.normpath
_calls = 0


class ToolError(Exception):
    """The host refused or failed a request. `name` is the error's name."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def _send(message):
    raw = _dumps(message).encode()
    if len(raw) > MAX_FRAME:
        raise ValueError(f"a frame of {len(raw)} bytes; at most {MAX_FRAME} are sent")
    raw = len(raw).to_bytes(4, "big") + raw
    with _lock:
        while raw:
            raw = raw[_write(CHANNEL_FD, raw) :]


def _receive():
    size = int.from_bytes(_read_exactly(4), "big")
    if size > MAX_FRAME:
        raise ToolError("FrameTooLarge", f"a frame of {size} bytes; at most {MAX_FRAME} are read")
    return _loads(_read_exactly(size))


def _read_exactly(size):
    parts = []
    while size:
        part = _read(CHANNEL_FD, min(size, 1 << 20))
        if not part:
            raise ToolError("Disconnected", "the host closed the channel")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def request(kind, **fields):
    """Ask the host (`kind` is `call`, `model` or `http`) and return its result.

    Raises:
        ToolError: The host denied the request or it failed.
    """
    global _calls
    with _lock:
        if fields.get("call_id") is None:
            _calls += 1
            fields["call_id"] = f"call-{_calls}"
        _send({"type": kind, **fields})
        answer = _receive()
    if answer.get("error"):
        raise ToolError(str(answer["error"]), str(answer.get("message", "")))
    return answer.get("result")


def call(tool, arguments, call_id=None):
    """Call a tool that the artifact's manifest names. Raises ToolError."""
    return request("call", tool=tool, arguments=arguments, call_id=call_id)


# --- recording effects -------------------------------------------------------------------------

_active = False
_is_call = False
_packaged = False
_CHANGING = frozenset(("_calls",))
_roots = {
    "artifact": "/artifact",
    "work": "/work",
    "tmp": "/tmp",
    "home": "/home/dev",
    "packages": "/packages",
}
_shut = _given = ()  # usual paths that this tier refuses, and what is there all the same
_OPEN = ("artifact", "work", "tmp", "packages")
_interpreter = tuple(
    {os.path.realpath(p).rstrip("/") + "/lib" for p in (sys.base_prefix, sys.base_exec_prefix)}
)


def _spaces():
    """The namespaces that the recorder stands on."""
    return (globals(), __builtins__, _roots, vars(_real))


def _keeper():
    """What the code must not reach, as a generator's locals: the run's key and what was recorded.

    A closure's cells, a module's names and a function's globals can be read and set silently; the
    frame of a generator only past an audit event (as can all that `gc` and frames lead to), which
    is itself an effect, `guest`. `("arm", key)` is taken once; `("result", answer)` only from the
    very frame that armed it, and is told back the size of what is too large to be sent;
    `(kind, target)` records an effect. With every order, `("look",)`
    too, it compares what the recorder stands on with what that was: a difference is an effect.
    """
    key, master, seen, codes, answer, kept, way = "", None, set(), [], None, (), ()
    counts, room = {}, MAX_EFFECTS
    getframe, every, each, same, size = _getframe, all, map, operator.is_, len
    write, channel, most, join = _write, CHANNEL_FD, MAX_FRAME, "".join
    encode = json.encoder.c_make_encoder(  # no part of it is Python, which the code could replace
        None, None, json.encoder.c_encode_basestring_ascii, None, ": ", ", ", False, False, True
    )

    def fitted(effect):
        kind, target = effect
        if counts.get(kind, 0) < room or effect in seen:
            return effect
        return (kind, "/usr") if kind == "read" and target[:5] == "/usr/" else ("overflow", kind)

    def send(message):
        raw = join(encode({"key": key, **message}, 0)).encode()
        if size(raw) > most:
            return size(raw)
        raw = size(raw).to_bytes(4, "big") + raw
        while raw:
            raw = raw[write(channel, raw) :]
        return 0

    while True:
        order = yield answer
        answer, kind, told = None, order[0], []
        if master is not None and not every(
            size(names) >= size(values) and every(each(same, each(names.get, keys), values))
            for names, keys, values in kept
        ):
            told.append(("guest", "the recorder"))
        if kind == "arm" and master is None:
            key, master = order[1], getframe(2)  # this generator, `_tell`, and who arms
            way = (_tell.__code__, _answer.__code__)
            kept = [_kept_space(names) for names in _spaces()]
        elif kind == "result":
            codes_on_way = (getframe(1).f_code, getframe(2).f_code)
            if codes_on_way == way and getframe(3) is master:
                answer = send(order[1])
        elif kind == "seen":
            answer = order[1] in seen
        elif kind == "code":
            codes.append(order[1])
        elif kind == "codes":
            answer = tuple(codes)
        elif kind not in ("arm", "look"):
            told.append(order)
        for effect in told:
            effect, kind = fitted(effect), effect[0]
            if master is not None and effect not in seen:
                counts[kind] = counts.get(kind, 0) + 1
                seen.add(effect)
                try:
                    send({"type": "effects", "effects": [[*effect]]})
                except (OSError, ValueError):
                    pass  # the code closed the channel: nothing left to tell anybody


def _kept_space(names):
    keys = tuple(name for name in names if name not in _CHANGING)
    return names, keys, tuple(names[name] for name in keys)


_kept = _keeper()
next(_kept)


def _tell(*order):
    with _lock:
        return _kept.send(order)


def _record(kind, target):
    _tell(kind, str.__str__(str(target))[:MAX_TARGET])  # no text of the code's own type


def _caller():
    """The file whose code is behind the current call, past this file and the thin wrappers."""
    frame = _getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name != __file__ and not name.startswith(_TRANSPARENT):
            return name
        frame = frame.f_back
    return ""


_REPORTING = tuple(
    _STDLIB + name
    for name in ("traceback.py", "warnings.py", "runpy.py", "logging/", "unittest/", "doctest.py")
)


def _is_import_or_report():
    """Whether source is read to be imported or run, or to be shown in a traceback or a warning."""
    frame = _getframe(1)
    while frame is not None:
        code = frame.f_code
        imported = code.co_name == "get_code" and code.co_filename.startswith("<frozen importlib")
        if imported or code.co_filename.startswith(_REPORTING):
            return True
        frame = frame.f_back
    return False


def _is_stdlib(name):
    return name.startswith("<frozen ") or (
        name.startswith(_STDLIB) and "/site-packages/" not in name
    )


def _record_dependence(kind, target):
    """Record a clock or randomness read unless the standard library made it for itself."""
    if _active and not _caller().startswith(_QUIET):
        _record(kind, target)


def _below(path, root):
    return path == root or path.startswith(root.rstrip("/") + "/")


def _path(value):
    if isinstance(value, int):
        return None  # an open descriptor: judged when it was opened
    try:
        path = _fspath(value)
        if isinstance(path, bytes):
            path = bytes.decode(path, _fsencoding, "surrogateescape")
        path = str.__str__(path)
        return _normpath(path if path.startswith("/") else f"{_cwd()}/{path}")
    except (TypeError, ValueError, OSError):
        return None


def _shown(path):
    """The path as reported: as it is named inside, with /tmp as one."""
    if _below(path, _roots["tmp"]) and not _below(path, _roots["work"]):
        return "/tmp"
    if _below(path, _roots["work"]):
        return "/work" + path[len(_roots["work"].rstrip("/")) :]
    if _below(path, _roots["home"]):
        return "/home/dev" + path[len(_roots["home"].rstrip("/")) :]
    if _below(path, _roots["packages"]):
        return "/packages" + path[len(_roots["packages"].rstrip("/")) :]
    return path


def _saw_write(kind, value):
    path = _path(value)
    if path is not None and path not in _IGNORED_FILES:
        _record_path(kind, path)


def _record_path(kind, path):
    """Record what was done to a path; one that this tier has elsewhere is told as such."""
    shut = any(_below(path, name) for name in _shut)
    if shut and not any(_below(path, name) for name in _given):
        _record("misplaced", path)
    else:
        _record(kind, _shown(path))


def _saw_read(value):
    path = _path(value)
    if path is None or path in _IGNORED_FILES or path.startswith(_READABLE):
        return
    if path in ("/dev/urandom", "/dev/random"):
        _record("randomness", path)
        return
    own = [_roots[name] for name in _OPEN]
    inside = any(_below(path, root) for root in (*own, *_interpreter, "/lignin"))
    if inside and _is_call and _below(path, _roots["work"]) and path != _roots["work"]:
        inside = _is_stdlib(
            _caller()
        )  # but for what it was given, a function has no business there
    if not inside and not _caller().startswith(_READS_FOR_ITSELF):
        _record_path("read", path)


def _on_open(path, mode, flags):
    writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    if isinstance(mode, str):
        writes = bool(set(mode) & set("wax+"))
    if writes:
        _saw_write("write", path)
    else:
        _saw_read(path)
        _saw_source(path)


def _saw_source(value):
    path = _path(value) if _is_call else None
    if path is None or not path.endswith(".py") or not _below(path, _roots["artifact"]):
        return
    if _caller() != path and not _is_import_or_report():
        _record("read", "/artifact" + path[len(_roots["artifact"].rstrip("/")) :])


def _address(address):
    if isinstance(address, tuple):
        return ":".join(str(part) for part in address[:2])
    return os.fsdecode(address) if isinstance(address, bytes | str) else repr(address)


def _saw_code(code):
    """Remember code of the artifact's own as it is first run; the library's is not of interest."""
    if isinstance(code, types.CodeType) and not code.co_filename.startswith((_STDLIB, "<frozen ")):
        _tell("code", code)


def _saw_hook(name):
    if not _is_stdlib(_caller()):  # doctest and threading set and clear it for themselves
        _record("global", name)


def _command(arguments):
    if isinstance(arguments, bytes | str):
        return os.fsdecode(arguments)
    try:
        return " ".join(os.fsdecode(word) for word in arguments)
    except TypeError:
        return repr(arguments)


def _on_rename(source, target, *_):
    _saw_write("delete", source)
    _saw_write("write", target)


def _on_library(name, *_):
    _record("native", name or "the C library")


_ON = {
    "open": _on_open,
    "os.listdir": lambda path=None, *_: _saw_read("." if path is None else path),
    "os.scandir": lambda path=None, *_: _saw_read("." if path is None else path),
    "os.remove": lambda path, *_: _saw_write("delete", path),
    "os.rmdir": lambda path, *_: _saw_write("delete", path),
    "os.rename": _on_rename,
    "os.mkdir": lambda path, *_: _saw_write("write", path),
    "os.link": lambda _, target, *__: _saw_write("write", target),
    "os.symlink": lambda _, target, *__: _saw_write("write", target),
    "os.truncate": lambda path, *_: _saw_write("write", path),
    "os.chmod": lambda path, *_: _saw_write("write", path),
    "os.chown": lambda path, *_: _saw_write("write", path),
    "os.utime": lambda path, *_: _saw_write("write", path),
    "sqlite3.connect": lambda path: None if path in (":memory:", "") else _saw_write("write", path),
    "socket.connect": lambda _, address: _record("connect", _address(address)),
    "socket.bind": lambda _, address: _record("connect", _address(address)),
    "socket.sendto": lambda _, address: _record("connect", _address(address)),
    "socket.getaddrinfo": lambda host, port, *_: _record("connect", _address((host, port))),
    "socket.gethostbyname": lambda host: _record("connect", _address(host)),
    "subprocess.Popen": lambda program, words, *_: _record("process", _command(words or program)),
    "os.system": lambda command: _record("process", _command(command)),
    "os.exec": lambda _, words, *__: _record("process", _command(words)),
    "os.posix_spawn": lambda _, words, *__: _record("process", _command(words)),
    "os.spawn": lambda _, __, words, *___: _record("process", _command(words)),
    "os.fork": lambda: _record("process", "fork"),
    "os.forkpty": lambda: _record("process", "fork"),
    "pty.spawn": lambda words: _record("process", _command(words)),
    "ctypes.dlopen": _on_library,
    "ctypes.dlsym": lambda _, name: _record("native", name),
    "ctypes.string_at": lambda *_: _record("native", "string_at"),
    "ctypes.cdata": lambda *_: _record("native", "cdata"),
    "exec": _saw_code,
    "sys.addaudithook": lambda: _record("global", "sys.addaudithook"),
    "sys.settrace": lambda: _saw_hook("sys.settrace"),
    "sys.setprofile": lambda: _saw_hook("sys.setprofile"),
}


_REVEALING = frozenset(("gc.get_objects", "gc.get_referrers", "gc.get_referents"))
_FRAMES = frozenset(("tb_frame", "gi_frame", "cr_frame", "ag_frame"))


_GIVING = frozenset(("currentframe", "stack", "walk_stack", "<lambda>"))


def _watch():
    """The audit hook, which nothing but the interpreter holds. It cannot be taken off again.

    All it uses is its own: it must not rely on names that the code can set.
    """
    names, handlers, revealing, frames, giving = globals(), dict(_ON), _REVEALING, _FRAMES, _GIVING
    getframe, is_stdlib, kept, send, lock = _getframe, _is_stdlib, _kept, _kept.send, _lock
    asking = (_caller, _is_import_or_report, _keeper, _print_traceback)
    own, get_ident = {function.__code__ for function in asking}, _get_ident
    running, inside, nested = False, set(), set()

    def is_handed_out(frame):
        """Whether other code gets the frame that is asked for, by itself or from the library."""
        code = frame.f_code
        if code in own:
            return False
        if is_stdlib(code.co_filename) and code.co_name in giving:
            frame = frame.f_back
        return frame is not None and not is_stdlib(frame.f_code.co_filename)

    def reaches(event, arguments, frame):
        """What leads to the frames and objects of this file, asked for by other code."""
        if event in revealing:
            return True
        if event in ("sys._getframe", "sys._current_frames"):
            return is_handed_out(frame)
        if event == "object.__getattr__" and arguments[1] in frames:
            return frame.f_code not in own and not is_stdlib(frame.f_code.co_filename)
        if event == "object.__setattr__" and arguments[1] == "__code__":
            return getattr(arguments[0], "__globals__", None) is names
        return False

    def tell(*order):
        with lock:
            send(order)

    def watch(event, arguments, frame):
        if reaches(event, arguments, frame):
            tell("guest", event)
        elif event in handlers:
            tell("look")
            handlers[event](*arguments)

    def watch_nested(event, arguments, frame):
        """What happens while a handler runs: no handler does such a thing, code it called does."""
        if event in handlers or reaches(event, arguments, frame):
            tell("guest", event)

    def hook(event, arguments):
        nonlocal running
        if event == "lignin.running":
            running = running or arguments[0] is kept
            return
        thread = get_ident()
        if not running or thread in nested:
            return
        level, respond = (nested, watch_nested) if thread in inside else (inside, watch)
        level.add(thread)
        try:
            respond(event, arguments, getframe(1))
        except (TypeError, ValueError, OSError):
            pass  # odd arguments fail in the call itself, where the code sees it
        finally:
            level.discard(thread)

    own |= {function.__code__ for function in (is_handed_out, reaches, watch, hook)}
    return hook


def _patch_stat():
    """Asking about a file raises no audit event; what the answer depends on is a read all the same."""
    for name in ("stat", "lstat", "access", "readlink"):
        plain = getattr(os, name)
        watched = _watched_question(plain)
        setattr(os, name, watched)
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if plain in able:
                able.add(watched)  # `shutil` asks these sets what it may rely on


def _watched_question(plain):
    @functools.wraps(plain)
    def ask(path, *args, **kwargs):
        if _active and kwargs.get("dir_fd") is None:
            try:
                if not _is_stdlib(_caller()):
                    _saw_read(path)
            except (TypeError, ValueError, OSError):
                pass  # as in the audit hook
        return plain(path, *args, **kwargs)

    return ask


class _Environment(os._Environ):
    """os.environ that notes which variables the code asks for."""

    def __getitem__(self, key):
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self._note(key)
        return super().__contains__(key)

    def __iter__(self):
        self._note("*")
        return super().__iter__()

    def copy(self):
        self._note("*")
        return {self.decodekey(k): self.decodevalue(v) for k, v in self._data.items()}

    def _note(self, key):
        if not _active or _is_stdlib(caller := _caller()):
            return
        if key != "*" and _below(caller, _roots["packages"]) and _is_unset(self, key):
            return  # a package looks for its settings; what is planted for it to find is set
        _record("environment", key)


def _is_unset(environment, key):
    return isinstance(key, str) and os.fsencode(key) not in environment._data


# --- clock and randomness ----------------------------------------------------------------------

_offset = 0
_real_getpid = os.getpid
_entropy = "system"
_real = types.SimpleNamespace(
    time=time.time, time_ns=time.time_ns, localtime=time.localtime, gmtime=time.gmtime,
    strftime=time.strftime, ctime=time.ctime, asctime=time.asctime,
    clock_gettime=time.clock_gettime, clock_gettime_ns=time.clock_gettime_ns, urandom=os.urandom,
)  # fmt: skip


def _now():
    return _real.time() + _offset


def _clock_time():
    """Seconds since the epoch."""
    _record_dependence("clock", "time.time")
    return _now()


def _clock_time_ns():
    """Nanoseconds since the epoch."""
    _record_dependence("clock", "time.time_ns")
    return _real.time_ns() + _offset * 10**9


def _clock_reader(name):
    real = getattr(_real, name)

    def read(seconds=None):
        if seconds is None:
            _record_dependence("clock", f"time.{name}")
            seconds = _now()
        return real(seconds)

    return read


def _clock_strftime(layout, moment=None):
    if moment is None:
        _record_dependence("clock", "time.strftime")
        moment = _real.localtime(_now())
    return _real.strftime(layout, moment)


def _clock_asctime(moment=None):
    if moment is None:
        _record_dependence("clock", "time.asctime")
        moment = _real.localtime(_now())
    return _real.asctime(moment)


def _clock_gettime(clock):
    if clock != time.CLOCK_REALTIME:
        return _real.clock_gettime(clock)
    return _clock_time()


def _clock_gettime_ns(clock):
    if clock != time.CLOCK_REALTIME:
        return _real.clock_gettime_ns(clock)
    return _clock_time_ns()


def _patch_time():
    time.time, time.time_ns = _clock_time, _clock_time_ns
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _clock_reader(name))
    time.strftime, time.asctime = _clock_strftime, _clock_asctime
    time.clock_gettime, time.clock_gettime_ns = _clock_gettime, _clock_gettime_ns
    for name in vars(_real):
        if name != "urandom":
            getattr(time, name).__name__ = getattr(time, name).__qualname__ = name


def _datetime_now(cls, tz=None):
    """Return the current date and time."""
    _record_dependence("clock", "datetime.now")
    return cls.fromtimestamp(_now(), tz)


def _datetime_utcnow(cls):
    """Return the current date and time in UTC, without a zone."""
    _record_dependence("clock", "datetime.utcnow")
    moment = datetime.datetime.fromtimestamp(_now(), datetime.UTC)
    fields = moment.timetuple()[:6]
    return cls(*fields, moment.microsecond)


def _date_today(cls):
    """Return the current date or date and time."""
    _record_dependence("clock", "datetime.today")
    return cls.fromtimestamp(_now())


def _patch_datetime():
    """Replace class methods of the C types in place.

    A subclass in their stead would change type identity, repr and dispatch, and so results. The
    types' own tables are reached as the referent of their read-only view.
    """
    replaced = {
        datetime.datetime: {"now": _datetime_now, "utcnow": _datetime_utcnow, "today": _date_today},
        datetime.date: {"today": _date_today},
    }
    for cls, methods in replaced.items():
        table = gc.get_referents(cls.__dict__)[0]
        for name, method in methods.items():
            method.__name__ = name
            table[name] = classmethod(method)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def _urandom(size):
    """Return `size` random bytes."""
    _record_dependence("randomness", "os.urandom")
    return _real.urandom(size) if _entropy == "system" else _filler() * size


def _getrandom(size, flags=0):  # noqa: ARG001 - the signature is os.getrandom's
    return _urandom(size)


def _filler():
    return b"\0" if _entropy == "low" else b"\xff"


class _Loose:
    """Draws that depend on nothing the code gave: noted, and at an end of the range when asked.

    The distributions that reject and draw again are overridden, since a constant draw would keep
    them drawing for ever.
    """

    def _loose(self):
        return True

    def _end(self):
        if not self._loose():
            return ""
        _record_dependence("randomness", self._lignin_name)
        return "" if _entropy == "system" else _entropy

    def _pick(self, low, high):
        return low if _entropy == "low" else high

    def random(self):
        return self._pick(0.0, 1 - 2**-53) if self._end() else super().random()

    def getrandbits(self, k):
        return self._pick(0, (1 << k) - 1) if self._end() else super().getrandbits(k)

    def randbytes(self, n):
        return _filler() * n if self._end() else super().randbytes(n)

    def _randbelow(self, n):
        return self._pick(0, n - 1) if self._end() else super()._randbelow(n)

    def sample(self, population, k, *, counts=None):
        if counts is not None or not self._end():
            return super().sample(population, k, counts=counts)
        if not 0 <= k <= len(population):
            raise ValueError("Sample larger than population or is negative")
        items = list(population)
        return self._pick(items[:k], items[::-1][:k])

    def normalvariate(self, mu=0.0, sigma=1.0):
        if self._end():
            return self._pick(mu - 3 * sigma, mu + 3 * sigma)
        return super().normalvariate(mu, sigma)

    def gauss(self, mu=0.0, sigma=1.0):
        return self.normalvariate(mu, sigma) if self._end() else super().gauss(mu, sigma)

    def gammavariate(self, alpha, beta):
        if self._end():
            return alpha * beta * self._pick(0.01, 10.0)
        return super().gammavariate(alpha, beta)

    def betavariate(self, alpha, beta):
        return self._pick(0.001, 0.999) if self._end() else super().betavariate(alpha, beta)

    def vonmisesvariate(self, mu, kappa):
        if self._end():
            return (mu + self._pick(-3.0, 3.0)) % (2 * 3.141592653589793)
        return super().vonmisesvariate(mu, kappa)

    def binomialvariate(self, n=1, p=0.5):
        return self._pick(0, n) if self._end() else super().binomialvariate(n, p)


class _GlobalRandom(_Loose, random.Random):
    """The hidden instance behind `random.random()` and its like; loose until seeded."""

    _lignin_name = "random"
    _lignin_seeded = False
    _lignin_before = None

    def _loose(self):
        return not self._lignin_seeded

    def seed(self, a=None, version=2):
        if a is not None and not self._lignin_seeded:
            self._lignin_before = self.getstate()
        self._lignin_seeded = a is not None
        super().seed(a, version)

    def setstate(self, state):
        self._lignin_seeded = True
        super().setstate(state)


def _getpid():
    _record_dependence("randomness", "os.getpid")
    return _real_getpid() + {"low": 1, "high": 2}.get(_entropy, 0)


def _patch_random():
    os.getpid = _getpid
    os.urandom, random._urandom = _urandom, _urandom
    if hasattr(os, "getrandom"):
        os.getrandom = _getrandom
    plain_seed = random.Random.seed

    def seed(self, a=None, version=2):
        """Initialize internal state from a seed."""
        if a is None and not isinstance(self, _GlobalRandom):
            _record_dependence("randomness", "random.Random()")
            if _entropy != "system":
                a = 0 if _entropy == "low" else 1
        plain_seed(self, a, version)

    random.Random.seed = seed
    for name in [name for name in vars(_Loose) if not name.startswith("__")]:
        if hasattr(random.SystemRandom, name) or name in ("_loose", "_end", "_pick"):
            base = getattr(random.SystemRandom, name, None)
            setattr(random.SystemRandom, name, _loose_method(name, base))
    random.SystemRandom._lignin_name = "random.SystemRandom"
    _renew_global_random()
    uuid._generate_time_safe = uuid._UuidCreate = None  # libuuid would pass the patches by
    uuid._node = 0x020000000000  # else it starts programs to find a network card


def _loose_method(name, plain):
    """One method of `_Loose` for a class that cannot inherit it: `plain` where it would defer."""
    loose = vars(_Loose)[name]
    if plain is None or name in ("_loose", "_end", "_pick"):
        return loose

    def method(self, *args, **kwargs):
        if name == "sample" and kwargs.get("counts") is not None:
            return plain(self, *args, **kwargs)
        if self._end():
            return loose(self, *args, **kwargs)
        return plain(self, *args, **kwargs)

    method.__name__ = name
    return method


def _renew_global_random():
    """Bind the module's functions to a fresh instance: forks must not share a sequence."""
    instance = _GlobalRandom()
    plain = random._inst
    for name, value in list(vars(random).items()):
        if getattr(value, "__self__", None) is plain:
            setattr(random, name, getattr(instance, name))
    random._inst = instance


# --- interpreter-wide state --------------------------------------------------------------------

_baseline = {}
_CONSTANTS = (int, float, str, bytes, tuple, frozenset, re.Pattern)


def _is_library(name, module):
    if name.partition(".")[0] not in sys.stdlib_module_names:
        return False
    place = getattr(module, "__file__", None)
    return isinstance(module, types.ModuleType) and (place is None or _is_stdlib(place))


def _public(module):
    """What other code relies on: public callables and constants of a standard module."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and (callable(value) or type(value) in _CONSTANTS)
    }


def _state():
    """Interpreter-wide settings by name."""
    return {
        "sys.path": list(sys.path),
        "sys.meta_path": list(sys.meta_path),
        "sys.path_hooks": list(sys.path_hooks),
        "sys.stdin": sys.stdin,
        "sys.stdout": sys.stdout,
        "sys.stderr": sys.stderr,
        "sys.excepthook": sys.excepthook,
        "sys.displayhook": sys.displayhook,
        "sys.setrecursionlimit": sys.getrecursionlimit(),
        "sys.setswitchinterval": sys.getswitchinterval(),
        "gc.enable": gc.isenabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "os.chdir": os.getcwd(),
        "os.umask": _umask(),
        "warnings.filters": list(warnings.filters),
        "threading.excepthook": threading.excepthook,
        "decimal.context": _decimal_context(),
    }


def _umask():
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


def _decimal_context():
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return (28, "ROUND_HALF_EVEN")
    context = decimal.getcontext()
    return (context.prec, context.rounding)


def _handlers():
    ask = _signal.getsignal  # `signal.getsignal` looks for the name of each
    return {number: ask(number) for number in range(1, signal.NSIG)}


def _remember():
    """Take the baseline of one run; the modules' own was taken once, before the fork.

    It is for a local name of `main` alone: what hangs on a module, the code could change.
    """
    baseline = {
        **_baseline,
        "state": _state(),
        "handlers": _handlers(),
        "environment": dict(os.environ._data),
    }
    baseline["modules"]["random"] = (random, _public(random))  # bound to this run's instance
    _baseline.clear()
    _baseline["taken"] = True
    return baseline


def _compare_state(before, after):
    for name, value in after.items():
        if name == "warnings.filters" and _packaged:
            value = [each for each in value if each in before[name]]  # packages add some of theirs
        if value != before[name]:
            _record("global", name)


def _compare(own, baseline):
    """Record what differs from the baseline. `own` are the namespaces of the code itself."""
    _compare_state(baseline["state"], _state())
    for number, handler in _handlers().items():
        if handler != baseline["handlers"].get(number):
            _record("global", f"signal {number}")
    now = getattr(os.environ, "_data", None)
    if now is None:
        _record("global", "os.environ")
        now = baseline["environment"]
    for key in {*now, *baseline["environment"]}:
        if now.get(key) != baseline["environment"].get(key):
            _record("global", f"os.environ {os.fsdecode(key)}")
    generator = random._inst
    before = getattr(generator, "_lignin_before", None)
    if _is_call and before is not None and generator.getstate() != before:
        _record("global", "random.seed")
    if not any(_may_patch(code) for code in _codes()):
        return
    for name, (module, names) in baseline["modules"].items():
        if sys.modules.get(name) is not module:
            _record("global", f"sys.modules {name}")
            continue
        _compare_module(name, module, names)
    for key in vars(builtins).keys() - baseline["builtins"] - {"_"}:
        _record("global", f"builtins.{key}")
    _find_planted(own)


_PATCHING_NAMES = frozenset(
    [
        "setattr",
        "delattr",
        "__setattr__",
        "__delattr__",
        "__dict__",
        "vars",
        "globals",
        "exec",
        "eval",
        "modules",
        "patch",
        "import_module",
        "__import__",
        "builtins",
        "__builtins__",
        "reload",
        "getattr",
    ]
)
_PATCHING_STEPS = frozenset(
    opcode.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR") if name in opcode.opmap
)


def _codes():
    """Every code object of the code's own files: what was loaded, and all that lies in it."""
    waiting = list(_tell("codes"))
    while waiting:
        code = waiting.pop()
        yield code
        waiting.extend(item for item in code.co_consts if isinstance(item, types.CodeType))


def _may_patch(code):
    """Whether this code could change what another module holds.

    Comparing every standard module costs more than most runs; code that assigns no attribute and
    names none of the ways around that has not changed one, unless it means to hide.
    """
    return not _PATCHING_NAMES.isdisjoint(code.co_names) or not _PATCHING_STEPS.isdisjoint(
        code.co_code[::2]
    )


def _compare_module(name, module, names):
    values = vars(module)
    for key, value in names.items():
        current = values.get(key, _baseline)
        if (current is not value and (callable(value) or type(current) is not type(value))) or (
            current is not value and current != value
        ):
            _record("global", f"{name}.{key}")


def _find_planted(own):
    """Functions of the code that now sit in standard modules or their classes."""
    spaces = {id(namespace) for namespace in own}
    modules = list(sys.modules.items())
    for _, module in modules:
        place = getattr(module, "__file__", None) or ""
        if isinstance(place, str) and place.startswith((_roots["artifact"], _roots["work"])):
            spaces.add(id(vars(module)))
    for name, module in modules:
        if name in ("__main__", __name__) or not _is_library(name, module):
            continue
        if id(vars(module)) not in spaces:
            _find_planted_in(name, module, spaces)


def _find_planted_in(name, module, spaces):
    for key, value in list(vars(module).items()):
        if type(value) is types.FunctionType:
            if id(value.__globals__) in spaces:
                _record("global", f"{name}.{key}")
        elif isinstance(value, type) and value.__module__ == name:
            for method, body in list(vars(value).items()):
                if type(body) is types.FunctionType and id(body.__globals__) in spaces:
                    _record("global", f"{name}.{key}.{method}")


def prepare():
    """Patch and take the baseline. Once per interpreter, before any run."""
    if _baseline:
        return
    sys.addaudithook(_watch())
    kept = os.environ
    os.environ = _Environment(  # noqa: B003 - the same variables, watched
        kept._data, kept.encodekey, kept.decodekey, kept.encodevalue, kept.decodevalue
    )
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    _patch_time()
    _patch_datetime()
    _patch_random()
    _patch_stat()
    library = {name: m for name, m in list(sys.modules.items()) if _is_library(name, m)}
    for name in ("__main__", __name__, "sys"):  # of sys, the settings that matter are in _state
        library.pop(name, None)
    _baseline["modules"] = {name: (m, _public(m)) for name, m in library.items()}
    _baseline["builtins"] = set(vars(builtins))


def rehearse():
    """Do to no effect what every run does.

    A fork copies each page that it is the first to write, and Python makes code fast, and its
    tables, as they are first used: both are better done before there is a run to wait for them.
    """
    code = compile("def f(n):\n    return n + 1\n", "<rehearsal>", "exec")
    module = types.ModuleType("rehearsal")
    exec(code, vars(module))
    path = "/artifact/rehearsal.py"
    spec = importlib.util.spec_from_file_location("rehearsal", path)
    importlib.util.module_from_spec(spec)
    _loads(_dumps({"n": [to_json(module.f(1)), to_json("")]}, sort_keys=True))
    _renew_global_random()
    for names in _spaces():
        _kept_space(names)
    _state(), _handlers(), _path(path), _caller(), _is_import_or_report()
    any(_may_patch(each) for each in (code, *code.co_consts) if isinstance(each, types.CodeType))
    threading.enumerate()


# --- running -----------------------------------------------------------------------------------


class UnserialisableResult(Exception):  # noqa: N818 - the name is the port's
    """The function's result is nothing JSON can carry."""


def to_json(value, depth=0):
    """Return the value as plain JSON types; tuples become lists.

    Raises:
        UnserialisableResult: With what it met: a set, an object, NaN, a key that is no string, an
            integer beyond 2**53, a lone surrogate, nesting beyond 200 levels.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise UnserialisableResult("a string holds a lone surrogate")
        return str(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            shown = str(value) if value.bit_length() < 128 else f"{value.bit_length()} bits long"
            raise UnserialisableResult(
                f"an integer beyond 2**53, which JSON cannot carry exactly: {shown}; "
                "return such numbers as strings"
            )
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnserialisableResult(f"{value} is no JSON value")
        return float(value)
    if depth > MAX_DEPTH:
        raise UnserialisableResult(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list | tuple):
        return [to_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UnserialisableResult(f"an object key of type {type(key).__name__}")
        return {to_json(key): to_json(item, depth + 1) for key, item in value.items()}
    raise UnserialisableResult(f"a value of type {type(value).__name__}")


def _load(path, state):
    """Import the artifact's file under its own name, never as __main__."""
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"artifact_{stem}" if stem in sys.modules or not stem.isidentifier() else stem
    for folder in dict.fromkeys((_roots["artifact"], os.path.dirname(path))):
        sys.path.insert(0, folder)
    state["sys.path"] = list(sys.path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        raise ImportError(f"the tree has no Python file {path!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _changed(before, arguments):
    """Names of the arguments that no longer are what was passed."""
    for name, text in before.items():
        try:
            same = _dumps(arguments[name], sort_keys=True) == text
        except (TypeError, ValueError, RecursionError):
            same = False
        if not same:
            yield name


def _call_function(job, state):
    own, arguments = [], job["arguments"]
    before = {name: _dumps(value, sort_keys=True) for name, value in arguments.items()}
    held = dict(arguments)
    sys.modules["__main__"] = types.ModuleType("__main__")  # what runs the code is none of its
    answer = {"type": "result", "returned": False}
    try:
        module = _load(os.path.join(_roots["artifact"], job["file"]), state)
        own.append(vars(module))
        value = getattr(module, job["function"])(**arguments)
        answer["result"] = to_json(value)
        answer["returned"] = True
    except BaseException as error:  # whatever the code raises is its answer
        answer["error"] = type(error).__name__
        answer["message"] = _text(error)
        _print_traceback(error)
    for name in _changed(before, held):
        _record("arguments", name)
    return answer, own


def _text(error):
    try:
        return str(error)[:4000]
    except Exception:  # an exception whose text fails is still an exception
        return ""


def _print_traceback(error):
    """Print the traceback without this file's own frames, as the code alone would have."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename == __file__:
        place = place.tb_next
    try:
        traceback.print_exception(type(error), error, place)
    except Exception:  # stderr may be closed or replaced by the code
        pass


def _run_program(job, state):
    """Run a program as `python` would: `-c`, `-m`, a file, or standard input."""
    kind, rest = job["how"], job["argv"]
    main = types.ModuleType("__main__")
    main.__builtins__ = builtins
    sys.modules["__main__"] = main
    sys.argv[:] = rest
    answer = {"type": "result", "returned": False}
    code = 0
    try:
        _execute(kind, rest, job.get("code", ""), main, state)
    except SystemExit as error:
        code = _exit_code(error.code)
    except BaseException as error:  # as above
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
        answer["error"], answer["message"] = type(error).__name__, _text(error)
        _print_traceback(error)
    return answer, [vars(main)], code


def _execute(kind, rest, code, main, state):
    if kind == "module":
        import runpy

        sys.path.insert(0, os.getcwd())
        state["sys.path"] = list(sys.path)
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    folder, name = "", "<string>" if kind == "code" else "<stdin>"
    if kind == "stdin":
        code = sys.stdin.buffer.read()
    if kind == "file":
        name = rest[0]
        folder = os.path.dirname(os.path.realpath(name))
        try:
            with io.open_code(os.path.abspath(name)) as file:
                code = file.read()
        except OSError as error:
            print(f"python: can't open file {name!r}: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        main.__file__ = name
    sys.path.insert(0, folder)
    state["sys.path"] = list(sys.path)
    exec(compile(code, name, "exec", dont_inherit=True), vars(main))


def _exit_code(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 255
    print(code, file=sys.stderr)
    return 1


def main(job):
    """Run one job in this process and return the exit code.

    `job` is `{"do": "call", file, function, arguments}` or `{"do": "program", how, argv, code}`,
    with `clock_offset_s`, `entropy`, where there are packages their folder as `packages`, and, where
    the sandbox's paths are not the usual, `roots`, and which of the usual are refused, `shut`.
    """
    global _active, _is_call, _packaged, _shut, _given, _offset, _entropy
    prepare()
    _is_call = job["do"] == "call"
    _offset, _entropy = int(job["clock_offset_s"]), job["entropy"]
    _roots.update(job.get("roots", {}))
    _shut = tuple(job.get("shut", ()))
    _given = (os.path.dirname(_roots["artifact"]), _roots["packages"])
    sys.path[:] = [p for p in sys.path if p.startswith("/")]
    _packaged = bool(job.get("packages"))
    if _packaged:
        sys.path.append(job["packages"])  # last: none of them can stand in for the library
    sys.dont_write_bytecode = True
    sys.executable = job.get("executable", sys.executable)
    _renew_global_random()
    baseline = _remember()
    _active = True
    _tell("arm", job.pop("key", ""))
    sys.audit("lignin.running", _kept)
    code = 0
    if job["do"] == "call":
        answer, own = _call_function(job, baseline["state"])
        code = 0 if answer["returned"] else 1
        _tell_threads()
        _run_exit_functions()
    else:
        answer, own, code = _run_program(job, baseline["state"])
        threading._shutdown()  # as the interpreter does: wait for threads, then exit functions
        _run_exit_functions()
    try:
        _compare(own, baseline)
    except Exception:  # the code broke what the comparison itself stands on
        _record("global", "interpreter")
    _flush()
    _answer(answer)
    return code


def _tell_threads():
    """Tell threads that a call has left at work; those of a pool wait for more and are nothing."""
    end = time.monotonic() + 0.05
    for thread in threading.enumerate():
        work = getattr(getattr(thread, "_target", None), "__module__", "")
        if thread is threading.main_thread() or work == "concurrent.futures.thread":
            continue
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            _record("left", "a thread")
            return


def _run_exit_functions():
    import atexit

    atexit._run_exitfuncs()


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the code
            pass


def _answer(answer):
    try:
        size = _tell("result", answer)
        if size:
            said = f"the result is too large: {size} bytes as JSON; at most {MAX_FRAME} are taken"
            answer = {"type": "result", "returned": False, "error": "UnserialisableResult"}
            _tell("result", {**answer, "message": said})
    except OSError:
        pass  # the code closed the channel


def _standalone():
    """Serve one job read from the channel: how the tier without walls uses this file."""
    os.dup2(int(sys.argv[1]), CHANNEL_FD)
    if int(sys.argv[1]) != CHANNEL_FD:
        os.close(int(sys.argv[1]))
    sys.modules["lignin_guest"] = sys.modules["__main__"]
    job = _receive()
    for name, bounds in job.pop("rlimits", {}).items():
        kind = getattr(resource, name)
        ceiling = resource.getrlimit(kind)[1]
        if ceiling == resource.RLIM_INFINITY or bounds[1] <= ceiling:
            resource.setrlimit(kind, tuple(bounds))
    if job.get("packages"):
        os.environ["PYTHONPATH"] += ":" + job["packages"]
    if job["do"] == "exec":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(job["argv"][0], job["argv"])  # noqa: S606 - what was asked for
    os._exit(main(job))


if __name__ == "__main__":
    _standalone()
