"""A change that quotes its cases is found; one that speaks of what they have in common is not."""

import base64
import hashlib

import pytest

from lignin.evals.laws.quoting import Quotable, find_quotations

CASE = Quotable(
    case="cas_9f3a1c",
    asked=(
        "Hi, I am Mia Garcia (mia.garcia@example.com). I ordered #W2378156 on 2026-03-14 and would "
        "like to send the blue kettle back because the lid never closed properly.",
    ),
    values=("W2378156", "49.95", "paypal_7644869", "credit_card", "Toronto", "no longer needed"),
)
KNOWN = (
    "Orders have ids such as #W1000000. Refunds go to credit_card or paypal within 30 days. "
    'Reasons are "no longer needed" or "ordered by mistake". Call get_order first.',
)
GOOD = """# Refunds
Look the order up before you refund: `get_order(order_id)`. Pay back by the method it was paid with
(credit_card, paypal), never another. Within 30 days of the delivery; later hand over. A 25 % fee applies
after 14 days, at most $100. For example order #W1000000. Ask for a reason: "no longer needed".
"""


def quoted(text: str, **more: object) -> list[str]:
    found = find_quotations({"skill/SKILL.md": text}, KNOWN, [CASE], **more)  # type: ignore[arg-type]
    return [each.text for each in found]


def test_what_cases_have_in_common_may_be_said() -> None:
    assert quoted(GOOD) == []


@pytest.mark.parametrize(
    "text",
    [
        "For order #W2378156 refund at once.",
        "if order_id.endswith('w2378156'): refund()",
        "Where the user is Mia Garcia, be kind.",
        "Write to mia.garcia@example.com.",
        "Orders of 2026-03-14 are free.",
        "Refund 49.95 in that case.",
        "Use paypal_7644869.",
        "People from Toronto get it back.",
        "In cas_9f3a1c transfer.",
        "If somebody would like to send the blue kettle back because the lid is off, refund.",
        "oid = 'W' + '237' + '8156'",
        "oid = '6518732W'[::-1]",
        "oid = bytes.fromhex('" + b"W2378156".hex() + "')",
        "oid = b64decode('" + base64.b64encode(b"W2378156").decode() + "')",
        "known = {'" + hashlib.sha256(b"#W2378156").hexdigest() + "'}",
        "known = {'" + hashlib.md5(b"w2378156", usedforsecurity=False).hexdigest() + "'}",
        "Make sure that closed_tools stay closed.",
        "who = 'mia.garcia' + '@example.com'",
        "who = b64decode('" + base64.b64encode(b"mia.garcia@example.com").decode() + "')",
        "who = 'moc.elpmaxe@aicrag.aim'[::-1]",
    ],
)
def test_a_quotation_is_found(text: str) -> None:
    assert quoted(GOOD + text)


def test_what_was_there_before_is_anybodys() -> None:
    known = (*KNOWN, "Mia Garcia of Toronto runs the shop: orders like #W2378156.")
    found = find_quotations(
        {"a.md": "Ask Mia Garcia in Toronto, as with #W2378156."}, known, [CASE]
    )
    assert found == ()


def test_a_rubric_s_words_are_found_and_named_as_no_case() -> None:
    rubric = "The agent says sorry before it offers any money at all to the user."
    found = find_quotations(
        {"a.md": "Always: say sorry before it offers any money at all to anybody."},
        KNOWN,
        [CASE],
        [rubric],
    )
    assert [(each.case, each.path) for each in found] == [("", "a.md")]


def test_a_case_is_named_once_for_its_words() -> None:
    found = find_quotations({"a.md": CASE.asked[0]}, KNOWN, [CASE])
    assert len([each for each in found if len(each.text.split()) >= 8]) == 1
    assert {each.case for each in found} == {CASE.case}


def test_small_and_round_figures_are_anybodys() -> None:
    case = Quotable(case="cas_1", asked=("100 items, 30-day trial, 2026, 12 pm, 1000 points",))
    text = "At most 100 items or 1000 points in the 30-day trial until 2026, 12 pm."
    assert find_quotations({"a.md": text}, (), [case]) == ()


@pytest.mark.parametrize(
    ("name", "is_quoted"), [("c1", False), ("login", False), ("django-11099", True)]
)
def test_name_of_a_case_is_a_quotation_where_it_is_no_ordinary_word(
    name: str, is_quoted: bool
) -> None:
    found = find_quotations({"a.md": f"For {name} do it."}, (), [Quotable(case=name)])
    assert bool(found) is is_quoted


@pytest.mark.parametrize(
    "text",
    [
        "Order 88213 is paid back.",
        "Of orders take number 88213 first.",
        "Where no. 88,213 is asked for, refund.",
        "n = 8 8 2 1 3",
        "The order eight eight two one three goes first.",
        "if int(order[-5:]) == 88213:",
    ],
)
def test_figure_of_an_id_is_a_quotation_whatever_words_stand_before_it(text: str) -> None:
    case = Quotable(case="order-88213")
    assert find_quotations({"a.md": text}, KNOWN, [case])
    assert not find_quotations({"a.md": text}, (*KNOWN, "Such as order-88213."), [case])


@pytest.mark.parametrize(
    "text",
    [
        "Because the lid never closed properly users send the blue kettle back.",
        "Kettle: the blue lid never closed properly, so send it back.",
    ],
)
def test_words_of_a_task_in_another_order_are_a_quotation(text: str) -> None:
    assert quoted(GOOD + text)


@pytest.mark.parametrize(
    "text",
    [
        "Send the kettle back where the lid is off.",
        "A blue lid closed properly: then ordered goods would be sent back like any others.",
        "Take the 5 digits at the end, one, two or three at a time.",
        "Room 14, 15 and 16: 2024-05-06, 10,000 points, chapters 1-4.",
    ],
)
def test_words_that_a_task_shares_with_others_are_anybodys(text: str) -> None:
    assert quoted(GOOD + text) == []
