from lignin.traces.code.shell import lex, parse_shell, unquote


def words(text):
    return [[word.text for word in command.words] for command in parse_shell(text).commands]


def test_separators_split_commands_and_keep_their_joint():
    script = parse_shell("cd a && python f.py x; echo 'a;b' | cat || true\nls")
    assert [command.joined for command in script.commands] == ["", "&&", ";", "|", "||", "\n"]
    assert words("cd a && python f.py x; echo 'a;b'")[2] == ["echo", "a;b"]


def test_a_quoted_heredoc_is_kept_to_the_letter():
    script = parse_shell("cat > f.py <<'EOF'\nprint(\"$HOME\")  # it's; fine\nEOF\npython f.py")
    body = next(r.target for r in script.commands[0].redirects if r.operator == "<<")
    assert body.text == 'print("$HOME")  # it\'s; fine\n'
    assert body.literal
    assert [w.text for w in script.commands[1].words] == ["python", "f.py"]


def test_an_open_heredoc_is_literal_only_where_nothing_is_filled_in():
    plain = parse_shell("cat <<EOF\ncosts \\$5\nEOF\n").commands[0].redirects[0].target
    filled = parse_shell("cat <<EOF\n$HOME\nEOF\n").commands[0].redirects[0].target
    assert (plain.text, plain.literal) == ("costs $5\n", True)
    assert not filled.literal


def test_two_heredocs_of_one_line_go_to_their_own_redirects():
    script = parse_shell("cat <<A; cat <<-B\none\nA\n\ttwo\n\tB\n")
    assert [c.redirects[0].target.text for c in script.commands] == ["one\n", "two\n"]


def test_a_substitution_with_a_heredoc_and_an_apostrophe_is_one_word():
    text = "git commit -m \"$(cat <<'EOF'\ndon't (do it\nEOF\n)\" && python p.py a"
    assert words(text)[1] == ["python", "p.py", "a"]


def test_what_the_shell_would_fill_in_is_not_literal():
    for raw in ["$X", '"a $X"', "*.py", "~/f", "`date`", "{a,b}", "a?"]:
        assert not unquote(raw).literal, raw
    for raw in ["'$X'", '"a\\$b"', "a.b", "x=1", "'{a,b}'"]:
        assert unquote(raw).literal, raw


def test_compound_syntax_is_marked():
    for text in ["for i in 1 2; do echo $i; done", "(cd a; ls)", "if x; then y; fi", "f() { ls; }"]:
        assert not parse_shell(text).simple, text
    assert parse_shell("ls -l; echo done").simple


def test_an_open_quote_gives_no_commands():
    for text in ["echo 'abc", 'echo "abc', "cat <<EOF\nno end", "echo $(ls"]:
        assert parse_shell(text).commands == ()
        assert "".join(token.text for token in lex(text)[0]) == text
