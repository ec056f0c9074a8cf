"""The end of what a command said."""

from lignin.adapters.proposers.command_runs import SAID_CHARS, last_words


def test_no_word_at_the_cut_is_kept_in_part() -> None:
    secret = "s" * 60
    said = f"first {secret} {'x ' * (SAID_CHARS // 2 - 20)}end"
    kept = last_words(said)
    assert kept.endswith("end")
    assert len(kept) <= SAID_CHARS
    assert "ss" not in kept
    assert last_words(" all of it\n") == "all of it"
    assert last_words(f"line\n{secret}\n{'x ' * (SAID_CHARS // 2 - 20)}").count("s") == 0
