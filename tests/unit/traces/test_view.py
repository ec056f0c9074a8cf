"""Rows of a trajectory: depth, folds, bounds and safety."""

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.operations.trace_view import WIDTH, shown
from lignin.traces.view import MAX_SUMMARY_CHARS, clean, depths_of, rows_of


def run(*steps: Step) -> Trajectory:
    return Trajectory(source="x", format="x", session="s", steps=steps)


def span(index: int, parent: int | None = None, text: str = "", error: str = "") -> Step:
    return Step(
        index=index,
        role="system",
        label=f"span {text}",
        parent=parent,
        duration_s=0.5,
        error=error,
        cost_microusd=10,
    )


def page(trajectory: Trajectory, after: int = 0, limit: int = 50, step: int | None = None) -> str:
    return shown(trajectory, "ses_x", after=after, limit=limit, step=step).to_text()


def test_spans_nest_and_messages_do_not() -> None:
    tree = run(span(1), span(2, 1), span(3, 2), span(4, 1))
    assert depths_of(tree) == [0, 1, 2, 1]
    talk = run(
        Step(index=1, role="user"),
        Step(index=2, role="assistant", parent=1),
        Step(index=3, role="tool", parent=2),
        Step(index=4, role="assistant", parent=3),
    )
    assert depths_of(talk) == [0, 0, 1, 0]


def test_depth_beyond_the_indent_is_a_number() -> None:
    deep = run(*(span(n, n - 1 or None, text=f"{'abcdefg'[n % 7]}") for n in range(1, 132)))
    lines = page(deep, limit=200).splitlines()
    assert any("[130] sys" in line for line in lines)
    assert all(len(line) <= WIDTH for line in lines)


def test_what_repeats_is_folded_and_every_step_is_in_one_row() -> None:
    poll = ToolCall(call_id="c", name="Bash", arguments={"command": "sleep 5"}, observation="")
    steps = [Step(index=1, role="user", text="wait")]
    for n in range(20):
        steps.append(Step(index=2 * n + 2, role="assistant", calls=(poll,), cost_microusd=1))
        steps.append(Step(index=2 * n + 3, role="tool", text=f"job {n} runs"))
    steps.append(Step(index=42, role="assistant", text="done"))
    rows = list(rows_of(run(*steps)))
    assert [row.steps for row in rows] == [1, 1, 1, 38, 1]
    fold = rows[3]
    assert (fold.index, fold.last, fold.period, fold.repeats) == (4, 41, 2, 19)
    assert (fold.cost_microusd, rows[4].position) == (19, 42)


def test_an_error_is_not_folded_away() -> None:
    steps = [span(n, error="boom" if n == 5 else "") for n in range(1, 10)]
    rows = list(rows_of(run(*steps)))
    assert [(row.index, row.is_error) for row in rows if row.is_error] == [(5, True)]
    assert sum(row.steps for row in rows) == 9


def test_pages_join_to_the_whole() -> None:
    whole = run(*(span(n, text="abcdefgh"[n % 8] * (n % 5)) for n in range(1, 300)))
    expected = [row.index for row in rows_of(whole)]
    seen: list[int] = []
    after = 0
    while True:
        part = shown(whole, "ses_x", after=after, limit=7, step=None)
        seen += [row.step for row in part.items]
        if part.next_after is None:
            break
        after = int(part.next_after)
    assert seen == expected


def test_a_trace_cannot_steer_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;title\x07red\u202ereversed\r\nok"
    call = ToolCall(call_id="c", name=evil, arguments={evil: evil}, observation=evil)
    step = Step(index=1, role="tool", text=evil, agent=evil, label=evil, error=evil, calls=(call,))
    for text in (page(run(step)), page(run(step), step=1)):
        assert "red" in text
        assert not set(text) & set("\x1b\x07\r\u202e")
    assert clean("a\nb", keep_lines=True) == "a\nb"


def test_a_row_is_short_whatever_the_step_holds() -> None:
    huge = "x" * 1_000_000
    call = ToolCall(call_id="c", name="Write", arguments={"a": huge, "b": [huge]})
    (row,) = rows_of(run(Step(index=1, role="assistant", text=huge, calls=(call,))))
    assert len(row.summary) == MAX_SUMMARY_CHARS
    text = page(run(Step(index=1, role="assistant", text=huge)), step=1)
    assert "980000 characters more" in text


def test_figures_and_errors_are_marked() -> None:
    step = Step(
        index=3, role="assistant", text="I try", input_tokens=7, output_tokens=3, duration_s=1.25
    )
    text = page(run(step, span(4, 3, error="boom")))
    assert "2 steps, 1 failed, depth 1, 10 tokens, $0.0000" in text
    assert "agt I try" in text
    assert "1.2s 10t" in text
    assert "!      4   sys span  · boom" in text or "!      4   sys span · boom" in text
