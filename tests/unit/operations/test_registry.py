"""Where operations are found."""

from lignin.operations.registry import load_noun, load_operations, nouns


def test_a_file_named_after_a_noun_and_a_part_adds_verbs_to_the_noun() -> None:
    assert "trace.detect" in load_noun("trace")
    assert "trace" in nouns()
    assert all("_" not in noun for noun in nouns())


def test_every_operation_belongs_to_the_noun_it_is_found_under() -> None:
    assert all(name.partition(".")[0] in nouns() for name in load_operations())
