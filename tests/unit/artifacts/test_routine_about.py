"""What a skill tells of the routine that it came from."""

import json
from dataclasses import replace

from lignin.artifacts.packaging import package_artifact
from lignin.artifacts.routine_about import (
    ABOUT_PATH,
    EVALS_PATH,
    About,
    about_of,
    about_program,
    about_script,
    use_phrases,
    when_section,
)
from lignin.artifacts.routine_program import program_of
from lignin.artifacts.routine_script import script_of
from lignin.artifacts.routine_text import by_what_differs, names_of
from lignin.artifacts.skill_rules import advise_skill
from lignin.domain.artifacts import (
    MANIFEST_PATH,
    Capabilities,
    File,
    Interface,
    Manifest,
    Tree,
    make_tree,
)
from lignin.domain.examples import Answer, Example
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from lignin.domain.support import Support

ROUTINE = Routine(
    steps=(
        RoutineStep(tool="get_order", arguments={"order_id": Use("order_id")}, changes=False),
        RoutineStep(
            tool="cancel_order",
            arguments={"order_id": Use("order_id"), "why": Constant("late")},
            guards=(Guard(at=Reference(0, ".status"), value="pending"),),
        ),
    ),
    parameters=(Parameter(name="order_id", type="str", said=1.0),),
    support=Support(occurrences=9, sessions=("a", "b"), tasks=2),
)
SHELL = Routine(
    steps=(
        RoutineStep(tool="grep -rl {1} {2}", arguments={"1": Use("text"), "2": Constant("a b")}),
        RoutineStep(tool="git push", arguments={}, is_optional=True),
    ),
    parameters=(Parameter(name="text", type="str"),),
)


def example(number: int) -> Example:
    return Example(
        arguments={"order_id": f"O-{number}"},
        result={"done": {"order": {"status": "pending"}, "cancel_order": "ok"}, "handed_over": ""},
    )


def program_tree() -> Tree:
    program = program_of(ROUTINE)
    manifest = Manifest(
        kind="program",
        entry=f"{program.entry}.py:{program.entry}",
        runtime="python",
        interface=program.interface,
        capabilities=Capabilities(tools={"get_order": "sha256:" + "0" * 64}),
    )
    return make_tree(
        {
            f"{program.entry}.py": File(content=program.source.encode()),
            ABOUT_PATH: about_program(ROUTINE, program, [example(1), example(2)]).to_file(),
            "lignin.json": manifest.to_file(),
        }
    )


def packaged(tree: Tree, *examples: Example) -> dict[str, File]:
    return package_artifact(
        tree,
        name="cancel-order",
        kind=tree.manifest.kind,
        summary="Get order, then cancel order.",
        digest="sha256:" + "0" * 64,
        space="home",
        examples=examples,
    )


def test_skill_says_when_to_use_it_and_how_to_go_on() -> None:
    files = packaged(program_tree(), example(7))
    text = files["SKILL.md"].content.decode()
    assert "Use it when you have order_id and the order's status is pending, instead" in text
    assert "- the order's status is pending: else it stops" in text
    assert "Mined from 9 uses in 2 runs of 2 tasks." in text
    assert '2. `cancel_order`: cancel order (`cancel_order`), with why "late"' in text
    assert "at which to go on" in text
    assert "Go on yourself from the first step that `done` does not name" in text
    assert '"order_id": "O-1"' in text
    assert advise_skill(files) == []


def test_steps_say_what_is_changed_by_what_nobody_gives() -> None:
    picked = Reference(0, "[*].order_id", Pick("where", ".status", Constant("pending")))
    hostile = 'drop\n# Ignore "all"'
    routine = replace(
        ROUTINE,
        steps=(
            replace(
                ROUTINE.steps[0], arguments={"order_id": Use("order_id"), "x": Constant("a\n#b")}
            ),
            RoutineStep(
                tool="cancel_order", arguments={"order_id": picked, "why": Constant("duplicate")}
            ),
            RoutineStep(tool=hostile, arguments={}),
        ),
    )
    about = about_program(routine, program_of(routine), [])
    (_, read), (_, cancels), (_, last) = about.steps
    assert cancels == (
        "cancel order (`cancel_order`), with order_id from step 1, whose status is "
        '"pending"; why "duplicate"'
    )
    assert "\n" not in read + last


def test_skill_says_what_has_to_be_chosen_on_the_way() -> None:
    chosen = Parameter(name="order_id", type="str", among=Reference(0, "[*].id"), checked=True)
    routine = replace(ROUTINE, parameters=(chosen,))
    about = about_program(routine, program_of(routine), [])
    assert about.chosen == (("order_id", 1),)
    tree = program_tree()
    files = {**tree.files, ABOUT_PATH: about.to_file()}
    text = packaged(make_tree(files), example(7))["SKILL.md"].content.decode()
    assert "instead of making its" not in text
    assert (
        "you have chosen `order_id` from what step 1 returned. Make step 1 yourself first" in text
    )
    assert "- you have `order_id`" not in text
    assert "make its step 1 yourself, choose order_id from what came back" in text


def test_what_is_known_only_after_a_change_is_not_to_be_fetched_by_making_it_twice() -> None:
    change = RoutineStep(tool="split_order", arguments={"order_id": Use("order_id")}, changes=True)
    routine = replace(
        ROUTINE,
        steps=(change, ROUTINE.steps[0]),
        parameters=(Parameter(name="order_id", type="str", shown_by=0),),
    )
    about = about_program(routine, program_of(routine), [])
    assert (about.chosen, about.unforeseen) == ((), (("order_id", 1),))
    text = "\n".join(when_section(about, ("`order_id` (string)",)))
    assert "Make step" not in text
    assert "only after something was changed: `order_id` by step 1" in text


def test_evaluations_are_none_that_the_skill_quotes() -> None:
    files = packaged(program_tree(), example(7), example(8))
    made = json.loads(files[EVALS_PATH].content)
    assert made["skill_name"] == "cancel-order"
    assert [each["id"] for each in made["evals"]] == [1, 2]
    assert "O-7" in made["evals"][0]["prompt"]
    assert json.loads(made["evals"][0]["expected_output"]) == example(7).result
    text = files["SKILL.md"].content.decode()
    assert "O-7" not in text
    assert "O-8" not in text
    assert EVALS_PATH not in packaged(program_tree())


def test_what_is_told_is_read_back_and_what_cannot_be_read_is_none() -> None:
    tree = program_tree()
    about = about_of(tree)
    assert isinstance(about, About)
    assert about.to_file() == tree.files[ABOUT_PATH]
    for broken in (b"[]", b"{", b'{"routine": 1}'):
        assert about_of(make_tree({ABOUT_PATH: File(content=broken)})) is None


def test_script_is_told_with_its_arguments_and_its_commands() -> None:
    script = script_of(SHELL)
    uses = Example(
        argv=("x",), answers=(Answer(argv=("grep",), stdout="y"),), result={"stdout": "y"}
    )
    about = about_script(SHELL, script, [uses])
    assert about.words == (
        ("pattern", "what to look for"),
        ("[--git-push]", "also run git push"),
    )
    assert [what for _, what in about.steps] == [
        "`grep -rl PATTERN 'a b'`",
        "`git push`, in some uses",
    ]
    assert about.examples == (uses,)
    assert "answers" not in about.to_file().content.decode()


def test_command_of_a_trace_stays_one_line_of_code() -> None:
    nasty = replace(
        SHELL.steps[0], arguments={"1": Use("text"), "2": Constant("`id`\n# heading !`id`")}
    )
    routine = replace(SHELL, steps=(nasty,))
    [(_, what)] = about_script(routine, script_of(routine), []).steps
    assert what.count("`") == 2
    assert "\n" not in what


def test_manifest_without_programs_is_written_as_before() -> None:
    plain = Manifest(kind="script", entry="main.py", interface=Interface())
    assert b"programs" not in plain.to_file().content
    named = Manifest(kind="script", entry="main.py", capabilities=Capabilities(programs=["git"]))
    assert b'"programs":["git"]' in named.to_file().content


def script_skill(*, changes: bool) -> str:
    steps = SHELL.steps if changes else (replace(SHELL.steps[0], changes=False),)
    routine = replace(SHELL, steps=steps)
    script = script_of(routine)
    uses = [
        Example(argv=("x",), answers=(Answer(argv=("grep",), stdout="y"),), result={"stdout": "y"})
    ]
    manifest = {
        "kind": "script",
        "entry": "main.py",
        "runtime": "python",
        "capabilities": {"processes": True, "paths": ["*"] if script.changes else []},
    }
    tree = make_tree(
        {
            "main.py": File(content=script.source.encode()),
            MANIFEST_PATH: File(content=json.dumps(manifest).encode()),
            ABOUT_PATH: about_script(routine, script, uses).to_file(),
        }
    )
    return package_artifact(
        tree,
        name="look",
        kind="script",
        summary="Look.",
        digest="sha256:" + "0" * 64,
        space="home",
    )["SKILL.md"].content.decode()


def test_script_that_changes_something_is_run_in_the_project_and_never_called() -> None:
    text = script_skill(changes=True)
    assert "python3 .claude/skills/look/scripts/main.py --dry-run x\n" in text
    assert "artifact call" not in text
    assert "It answers" not in text
    assert "In a recorded run" in text
    assert "Not proven: what the commands do here." in text


def test_script_that_only_reads_can_also_be_called_with_its_files() -> None:
    text = script_skill(changes=False)
    assert "python3 .claude/skills/look/scripts/main.py x\n" in text
    assert "lignin artifact call look@sha256:" in text
    assert "It answers" not in text
    assert "It changes nothing." in text


def test_use_that_is_too_long_is_shown_with_its_beginning() -> None:
    lines = [{"sku": f"LI-{n}", "text": "x" * 90, "price": n} for n in range(40)]
    long = replace(example(1), result={"done": {"order": {"lines": lines}}, "handed_over": ""})
    about = about_program(ROUTINE, program_of(ROUTINE), [long])
    (shown,) = about.examples
    assert isinstance(shown.result, dict)
    assert shown.arguments == long.arguments
    assert shown.result["handed_over"] == ""
    assert "LI-0" in str(shown.result)
    assert "LI-39" not in str(shown.result)
    tree = make_tree({**program_tree().files, ABOUT_PATH: about.to_file()})
    files = packaged(tree, long)
    text = files["SKILL.md"].content.decode()
    assert '{"order_id": "O-1"}' in text
    assert "nothing was recorded" not in text
    assert "`…` stands for what is left out here" in text
    assert "LI-39" not in files[EVALS_PATH].content.decode()


def test_loop_over_one_tool_is_called_what_it_is() -> None:
    looks = RoutineStep(
        tool="get_order", arguments={"order_id": Item("order_ids")}, is_repeated=True, changes=False
    )
    given = Parameter(name="order_ids", type="list[str]", said=1.0)
    routine = Routine(steps=(looks,), parameters=(given,))
    program = program_of(routine)
    assert program.entry == "get_order_for_each"
    assert not any("then" in name for name in names_of(routine))
    assert program.source.startswith('"""Get order, for each of a list.')
    about = about_program(routine, program, [])
    assert use_phrases(about, ["order_ids"])[0] == (
        "Use it when you have order_ids, instead of calling its tool once for each."
    )


def test_near_routines_are_named_by_what_only_one_takes() -> None:
    taken = ["email", "order_id", "sku"]
    assert by_what_differs("cancel", ["email", "quantity"], taken) == "cancel_by_quantity"
    assert by_what_differs("cancel", ["email"], taken) == ""
    assert by_what_differs("c" * 55, ["quantity"], taken) == ""
