"""Answers as text: what is cut, what never is."""

from lignin.interfaces.text import render

DIGEST = "sha256:" + "a1" * 32
SESSION = "ses_" + "7" * 26


def test_a_table_fits_the_terminal_and_cuts_no_id() -> None:
    rows = [{"session": SESSION, "why": "long " * 40, "digest": DIGEST, "at": "now"}]
    lines = render({"items": rows, "total": 1}, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert SESSION in lines[1]
    assert "a1a1a1a1a1a1" in lines[1]


def test_a_long_list_says_how_to_go_on() -> None:
    value = {"items": [{"name": "x"}], "total": 9, "next_after": "x", "narrow": "--kind, --after"}
    assert render(value).splitlines()[-1] == "1 of 9; for the others: --after x, or --kind"


def test_a_single_answer_is_named_lines_with_whole_digests() -> None:
    assert render({"digest": DIGEST, "sound": True, "none": None, "empty": []}) == (
        f"digest: {DIGEST}\nsound: yes"
    )


def test_times_lose_their_fractions_in_tables_only() -> None:
    at = "2031-01-02T03:04:05.678901Z"
    assert "2031-01-02 03:04:05" in render({"items": [{"name": "x", "at": at}], "total": 1})
    assert at in render({"at": at})


def test_a_reason_is_never_cut_nor_the_path_that_it_is_about() -> None:
    path, reason = "deep/" * 30 + "file.json", "because " * 30 + "of this"
    text = render({"passed_over": [{"path": path, "reason": reason}]}, 80)
    assert text == f"passed_over:\n  {path}: {reason}"
