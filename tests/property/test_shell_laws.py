"""The shell splitter keeps every character, ends on every text, and agrees with shlex on words."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from lignin.traces.code.shell import lex, parse_shell, unquote

PIECES = st.sampled_from(
    ["a", " ", "\n", "'", '"', "\\", "$", "$(", ")", "(", "`", "<<EOF", "<<-'E'", "EOF", "\nEOF\n",
     "|", "||", "&", "&&", ";", ";;", ">", ">>", "2>&1", "<", "<<<", "#", "{", "}", "${x}", "=", "é", "\t"]
)  # fmt: skip
SHELL_LIKE = st.lists(PIECES, max_size=40).map("".join)


@given(st.one_of(SHELL_LIKE, st.text(max_size=80)))
def test_no_character_is_lost(text):
    tokens, _ = lex(text)
    assert "".join(token.text for token in tokens) == text
    assert all(token.text for token in tokens)


@given(SHELL_LIKE)
def test_every_text_can_be_parsed(text):
    script = parse_shell(text)
    assert all(c.words or c.assignments or c.redirects for c in script.commands)


@given(st.lists(st.text(max_size=12).filter(lambda w: "\x00" not in w), min_size=1, max_size=6))
def test_quoted_words_come_back_as_they_were(words):
    text = " ".join(["run", *map(shlex.quote, words)])
    script = parse_shell(text)
    assert [word.text for word in script.commands[0].words] == ["run", *words]
    assert script.commands[0].is_literal
    assert script.simple


@given(
    st.text(alphabet="ab'\"\\$` \n", max_size=20), st.text(alphabet="ab'\"\\$`;|\n", max_size=60)
)
def test_a_quoted_heredoc_keeps_its_body(before, body):
    text = f"cat > f <<'STOP'\n{body}\nSTOP\npython f"
    script = parse_shell(text)
    assert script.commands[0].redirects[1].target.text == body + "\n"
    assert len(script.commands) == 2


@given(SHELL_LIKE)
def test_unquoting_is_total(raw):
    assert isinstance(unquote(raw).text, str)
