"""Templates of error lines."""

import random

import pytest

from lignin.traces.templates import MAX_LINE, VARIES, Templates, mask, telling_line, template_of


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("job 17 failed after 3.5 s", "job <NUM> failed after <NUM> s"),
        ("cannot open /var/lib/x.db: denied", "cannot open <PATH>: denied"),
        ("GET https://a.org/b?c=1 gave 404", "GET <URL> gave <NUM>"),
        ("no user ord_4711 (at 0xff3a)", "no user <ID> (at <HEX>)"),
        ("bad digest 9f86d081884c7d65", "bad digest <HEX>"),
        ("at 2026-01-02T03:04:05Z host 10.0.0.1 fell", "at <TIME> host <IP> fell"),
        ("mail to a.b@c.org bounced", "mail to <MAIL> bounced"),
        ("no module named 'fast_json2'", "no module named '<TEXT>'"),
        ("status=500  too   bad", "status=<NUM> too bad"),
        ("nothing to see here", "nothing to see here"),
        ("", ""),
    ],
)
def test_values_become_their_types(line: str, template: str) -> None:
    assert mask(line) == template
    assert Templates().find([line]) == [template]


def test_types_keep_lines_apart_that_a_star_would_join() -> None:
    assert mask("cannot read /a/b") != mask("cannot read 17")


def test_a_word_that_varies_shows_once_it_was_seen_often_enough() -> None:
    lines = [f"shell: {word}: command not found" for word in "abcdefghijklmnop"]
    templates = Templates()
    few = templates.find(lines[: VARIES - 1])
    assert len(set(few)) == VARIES - 1
    assert set(templates.find(lines)) == {"shell: <WORD> command not found"}
    assert {templates.settle(each) for each in few} == {"shell: <WORD> command not found"}


def test_two_words_that_vary_together_show_too() -> None:
    lines = [
        f"no {one} rule for {other} found" for one in "abcdefghijklm" for other in "nopqrstuvwxyz"
    ]
    assert set(Templates().find(lines)) == {"no <WORD> rule for <WORD> found"}


def test_templates_do_not_depend_on_the_order_or_lots_of_the_lines() -> None:
    lines = [
        f"{a} {b} is {c} of {n}"
        for a in "abcdefghijklmn"
        for b in "xyz"
        for c in "uv"
        for n in "12"
    ]
    whole = Templates().find(lines)
    shuffled = list(enumerate(lines))
    random.Random(3).shuffle(shuffled)
    templates = Templates()
    found = {
        place: template
        for start in range(0, len(lines), 10)
        for (place, _), template in zip(
            shuffled[start : start + 10],
            templates.find([line for _, line in shuffled[start : start + 10]]),
            strict=True,
        )
    }
    assert [templates.settle(found[place]) for place in range(len(lines))] == whole


def test_lines_with_breaks_and_endless_lines_are_one_template_each() -> None:
    templates = Templates()
    assert templates.find(["a\nb", "c"]) == ["a b", "c"]
    assert templates.find(["x" * 10_000]) == ["x" * MAX_LINE]
    assert templates.find([]) == []


def test_the_line_that_tells_is_a_tracebacks_last_or_the_first_that_speaks_of_an_error() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n'
    assert telling_line(trace) == "KeyError: 3"
    assert telling_line("compiling\nmain.c: error: no\nbye") == "main.c: error: no"
    assert telling_line("odd\nthing") == "odd"
    assert telling_line(" \n ") == ""
    assert template_of('# var_7 = "Error: no order 12"') == "Error: no order <NUM>"
