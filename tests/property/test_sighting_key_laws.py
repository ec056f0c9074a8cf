"""The sighting key does not change under layout and renaming, and changes with the meaning."""

import ast
import re

from hypothesis import assume, given
from hypothesis import strategies as st

from lignin.artifacts.source.canonical import canonical_python, canonical_shell
from lignin.domain.codec import digest_json

TEMPLATE = '''import json

LIMIT = {limit}

def {f}({a}, {b}={default}):
    """{doc}"""
    {c} = []
    for {d} in {a}:
        if {d} {operator} {b} and len({c}) < LIMIT:
            {c}.append({d} {arithmetic} {number})
    return json.dumps({c})

def {g}({a}):
    return {f}({a}, {b}={number})
'''
NAMES = st.lists(
    st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(
        lambda n: n not in {"json", "len", "for", "in", "if", "is", "or", "and", "as", "def", "not", "dumps", "append", "return", "import", "while", "with", "pass", "from", "else", "elif", "del", "try", "class", "lambda", "global", "raise", "yield", "assert", "async", "await", "break", "except", "finally", "continue", "nonlocal"}
    ),
    min_size=6,
    max_size=6,
    unique=True,
)  # fmt: skip
MEANING = st.fixed_dictionaries(
    {
        "limit": st.integers(0, 99),
        "default": st.integers(0, 99),
        "number": st.integers(0, 99),
        "operator": st.sampled_from(["<", ">", "==", "!="]),
        "arithmetic": st.sampled_from(["+", "-", "*"]),
    }
)


def written(names, meaning, doc="x"):
    return TEMPLATE.format(**dict(zip("abcdfg", names, strict=True)), **meaning, doc=doc)


def key(text):
    return digest_json(canonical_python(text))


@given(NAMES, NAMES, MEANING)
def test_renaming_and_reformatting_keep_the_key(names, others, meaning):
    text = written(names, meaning)
    assert key(text) == key(written(others, meaning, doc="other"))
    assert key(text) == key(ast.unparse(ast.parse(text)))
    assert key(text) == key(re.sub(r"\n(?=\S)", "\n\n# remark\n", text).replace(" = ", "   =  "))


@given(NAMES, MEANING, MEANING)
def test_another_meaning_changes_the_key(names, meaning, other):
    assume(meaning != other)
    assert key(written(names, meaning)) != key(written(names, other))


@given(st.text(max_size=200))
def test_every_text_has_a_key(text):
    assert key(text).startswith("sha256:")
    digest_json(canonical_shell(text))


@given(
    st.lists(
        st.sampled_from(["wc", "-l", '"$1"', "$#", "'a  b'", "|", "x=1", "echo"]),
        min_size=1,
        max_size=8,
    ),
    st.data(),
)
def test_shell_layout_does_not_change_the_key(words, data):
    gaps = data.draw(
        st.lists(st.sampled_from([" ", "  ", "\t"]), min_size=len(words), max_size=len(words))
    )
    loose = "".join(gap + word for gap, word in zip(gaps, words, strict=True))
    assert canonical_shell(loose + "  # remark\n\n") == canonical_shell(" ".join(words))
    assert canonical_shell(" ".join(words)) != canonical_shell(" ".join([*words, "more"]))
