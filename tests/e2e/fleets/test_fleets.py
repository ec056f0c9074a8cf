"""Fleets of scripted, simulated agents on real git: what joins, what is sent back, what waits for a person."""

import threading
from pathlib import Path

import pytest

from e2e.fleets.crew import Crew, git, piece_of
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.operations.fleet import cancel, graph, piece, review
from lignin.operations.fleet_models import FleetCancel, FleetGraph, FleetReview, PieceRef
from lignin.ports.sandbox import Sandbox

LIB = "RATE = 2\n\n\ndef price(n):\n    return n * RATE\n"


@pytest.fixture
def crew(tmp_path: Path) -> Crew:
    made = Crew(folder=tmp_path)
    made.prepare({"lib.py": LIB, "docs/x.md": "x\n"})
    return made


def left(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git/objects/" not in path.as_posix()
    }


def test_a_diamond_joins_on_one_branch_and_the_repository_is_else_as_it_was(crew: Crew) -> None:
    (crew.repo / "lib.py").write_text("in the middle of work\n")
    (crew.repo / "new.txt").write_text("unknown\n")
    before = left(crew.repo)
    crew.plan(
        {
            "a": {"does": "write('a.py', 'def first(n): return n\\n'); notes['open'] = ['more']"},
            "b": {"needs": ["a"], "does": "import a; write('b.py', 'from a import first\\n')"},
            "c": {"needs": ["a"], "does": "import a; write('c.py', 'C = 1\\n')"},
            "d": {
                "needs": ["b", "c"],
                "does": "import sys; sys.path.insert(0, '.'); import b, c; write('d.py', 'D = 1\\n')",
                "checks": ["python3 -c 'import a, b, c, d'"],
            },
        }
    )
    (crew.folder / "agents" / "agent.py").write_text(
        (crew.folder / "agents" / "agent.py")
        .read_text()
        .replace("notes =", "sys.path.insert(0, '.')\nnotes =")
    )
    shown = crew.run()
    assert (shown.state, shown.done, shown.simulated) == ("finished", 4, True)
    assert sorted(crew.runs()) == ["a", "b", "c", "d"]
    assert crew.runs()[0] == "a" and crew.runs()[-1] == "d"
    told = crew.told("b")
    assert "- new in a.py: first(n)" in told and "did a" in told and "- open: more" in told
    assert "- a: do a" in crew.told("d")  # far: by name only
    after = left(crew.repo)
    assert {path: after.get(path) for path in before} == before
    new = {path for path in after if path not in before}
    assert new == {f".git/refs/heads/{shown.branch}", f".git/logs/refs/heads/{shown.branch}"}
    names = git(crew.repo, "diff", "--name-only", "trunk", shown.branch).split()
    assert names == ["a.py", "b.py", "c.py", "d.py"]
    log = git(crew.repo, "log", "--format=%s%n%b", "-1", shown.branch)
    assert log.startswith("d: do d\n") and "Lignin-Simulated: yes" in log
    assert "Lignin-Check: python3 -c 'import a, b, c, d'" in log
    assert len(git(crew.repo, "rev-list", f"trunk..{shown.branch}").split()) == 4
    assert crew.run(shown.fleet).branch == shown.branch and len(crew.runs()) == 4
    with crew.opened() as context:
        drawn = graph(context, FleetGraph(fleet=shown.fleet))
        seen = piece(context, PieceRef(fleet=shown.fleet, piece="b"))
    assert "<- b, c" in drawn.text and drawn.svg.count("<rect") == 5 and "simulated" in drawn.svg
    assert seen.prompt == told and "+from a import first" in seen.patch
    assert not list((crew.folder / "home" / "fleets" / shown.fleet).glob("yard.git/worktrees/*"))


QUEUED = {"gate": "approval"}


def test_a_changed_signature_that_another_newly_uses_is_named_and_sent_back(crew: Crew) -> None:
    new = LIB.replace("price(n)", "price(n, unit)")
    crew.plan(
        {
            "unit": {**QUEUED, "touches": ["lib.py"], "does": f"write('lib.py', {new!r})"},
            "shop": {
                **QUEUED,
                "does": "unit = ', 1' if 'unit' in open('lib.py').read() else ''\n"
                "write('shop.py', f'from lib import price\\nprice(2{unit})\\n')",
                "checks": ["python3 -m py_compile shop.py"],
            },
        }
    )
    shown = crew.run_in_order("unit", "shop")
    returned = piece_of(shown, "shop").returned
    assert len(returned) == 1
    assert "semantic conflict with 'unit'" in returned[0]
    assert "price is now price(n, unit) by 'unit' (was price(n))" in returned[0]
    assert "shop.py:2" in returned[0]
    assert "Your earlier result was sent back" in crew.told("shop")
    assert "    +price(2)" in crew.told("shop")
    assert crew.runs().count("shop") == 2
    crew.settle(shown.fleet, "shop", "approve")
    shown = crew.run(shown.fleet)
    assert shown.state == "finished"
    assert "price(2, 1)" in git(crew.repo, "show", f"{shown.branch}:shop.py")


@pytest.mark.parametrize("batch", [1, 4])
def test_a_conflict_that_only_a_check_on_the_merged_tree_shows_names_the_pair(
    crew: Crew, batch: int
) -> None:
    check = "python3 -c 'import lib, shop; assert shop.total() == 20'"
    crew.plan(
        {
            "first": QUEUED,
            "rate": {
                **QUEUED,
                "touches": ["lib.py"],
                "does": f"write('lib.py', {LIB.replace('RATE = 2', 'RATE = 3')!r})",
                "checks": ["python3 -c 'import lib; assert lib.RATE == 3'"],
            },
            "other": QUEUED,
            "shop": {
                **QUEUED,
                "does": "write('shop.py', 'from lib import price\\n"
                "def total(): return price(10)\\n')",
                "checks": [check],
                "budget": {"attempts": 2},
            },
        }
    )
    shown = crew.run_in_order("first", "rate", "other", "shop", batch=batch)
    shop = piece_of(shown, "shop")
    assert (shown.state, shop.state) == ("open", "asked")
    assert shop.returned[0].startswith("semantic conflict with 'rate': both merge cleanly")
    assert check in shop.returned[0]
    # told what was wrong and begun where the rate is 3, its agent does the same: its own check fails
    assert shop.returned[1].startswith("its check fails")
    assert "attempt 2 of 2" in shop.asks
    assert "lignin fleet settle" in shown.next and shown.exit_code() == 10
    merged = [name for merge in shown.merges for name in merge.merged]
    assert merged == ["first", "rate", "other"]
    scripts = crew.folder / "agents" / "pieces.json"
    scripts.write_text(scripts.read_text().replace("price(10)", "price(10) - 10"))
    crew.settle(shown.fleet, "shop", "retry", "the rate stays; make the total twenty")
    crew.run(shown.fleet)
    crew.settle(shown.fleet, "shop", "approve")
    assert crew.run(shown.fleet).state == "finished"
    assert "the rate stays" in crew.told("shop")


def test_a_later_piece_that_breaks_the_check_of_an_earlier_one_is_named_with_it(crew: Crew) -> None:
    crew.plan(
        {
            "shop": {
                **QUEUED,
                "does": "write('shop.py', 'from lib import price\\n')",
                "checks": ["python3 -c 'import shop; assert shop.price(1) == 2'"],
            },
            "rate": {
                **QUEUED,
                "touches": ["lib.py"],
                "does": f"write('lib.py', {LIB.replace('RATE = 2', 'RATE = 3')!r})",
                "budget": {"attempts": 1},
            },
        }
    )
    told = piece_of(crew.run_in_order("shop", "rate"), "rate").asks
    assert "semantic conflict with 'shop'" in told
    assert "the check of 'shop' fails" in told


def test_in_a_batch_the_piece_that_breaks_it_is_named_and_the_others_are_merged(crew: Crew) -> None:
    guard = "python3 -c 'import lib; assert lib.RATE == 2'"
    pieces = {name: {"gate": "approval"} for name in ("p1", "p2", "p3", "p4")}
    pieces["p3"] |= {"touches": ["lib.py"], "does": "write('lib.py', 'RATE = 9\\n')"}
    pieces["p1"] |= {"checks": [guard]}
    pieces["p3"] |= {"budget": {"attempts": 1}}
    crew.plan(pieces)
    shown = crew.run_in_order(*pieces)
    assert shown.merges[0].pieces == ["p1", "p2", "p3", "p4"]
    assert shown.merges[0].merged == ["p1", "p2"]
    assert "p3: semantic conflict with 'p1'" in shown.merges[0].conflicts[0]
    assert shown.merges[1].pieces == ["p4"] == shown.merges[1].merged
    shown = crew.settle(shown.fleet, "p3", "drop")
    shown = crew.run(shown.fleet)
    assert shown.state == "finished"
    assert "lib.py" not in git(crew.repo, "diff", "--name-only", "trunk", shown.branch)
    assert "Lignin-Approved-By: user:tester" in git(crew.repo, "log", "-1", shown.branch)


def test_a_file_where_another_makes_a_folder_is_a_textual_conflict(crew: Crew) -> None:
    crew.plan(
        {
            "one": {**QUEUED, "touches": ["place"], "does": "write('place', '1')"},
            "two": {
                **QUEUED,
                "touches": ["place/*"],
                "does": "write('place/x', '2')",
                "budget": {"attempts": 1},
            },
        }
    )
    told = piece_of(crew.run_in_order("one", "two"), "two").asks
    assert "textual conflict" in told and "place" in told


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("sys.exit('broken tool')", "its agent: exit 1"),
        ("time.sleep(60)", "its agent: still running after 1 seconds"),
        ("write('p.py', ''); write('lib.py', '')", "it changed what it may not touch: lib.py"),
        ("pass", "it changed nothing"),
        ("write('p.py', 'x = (')", "its check fails: python3 p.py"),
        ("import os; os.symlink('/etc/passwd', 'p.py')", "what is no file of its own: p.py"),
        ("notes['refused'] = 'not my job'", "its agent would not do it: not my job"),
    ],
)
def test_what_does_not_hold_is_sent_back_by_name_and_then_a_persons(
    crew: Crew, does: str, told: str
) -> None:
    budget = {"attempts": 2, "seconds": 1 if "sleep" in does else 60}
    crew.plan({"p": {"does": does, "checks": ["python3 p.py"], "budget": budget}, "q": {}})
    shown = crew.run()
    assert told in piece_of(shown, "p").asks
    assert crew.runs().count("p") == (1 if "refused" in does else 2)
    assert piece_of(shown, "q").state == "merged"
    shown = crew.settle(shown.fleet, "p", "drop")
    shown = crew.run(shown.fleet)
    assert shown.state == "finished"
    assert git(crew.repo, "diff", "--name-only", "trunk", shown.branch).split() == ["q.py"]


def test_an_agent_that_tells_its_tokens_stops_at_its_budget(crew: Crew) -> None:
    budget = {"attempts": 9, "tokens": 10}
    crew.plan(
        {"p": {"does": "write('p.py', 'x = (')", "checks": ["python3 p.py"], "budget": budget}}
    )
    shown = crew.run()
    assert crew.runs() == ["p", "p"]
    assert "its budget is used up: 10 of 10 tokens" in piece_of(shown, "p").asks


def test_new_pieces_wait_while_results_lie_unreviewed(crew: Crew) -> None:
    crew.plan({name: {} for name in ("p1", "p2", "p3", "p4", "p5")})
    shown = crew.run(unreviewed=None)
    assert (len(crew.runs()), shown.unreviewed, shown.state) == (3, 3, "open")
    waits = [each.waits for each in shown.items if each.state == "waiting"]
    assert waits == ["3 unreviewed results, and 3 may be open"] * 2
    assert "lignin fleet review" in shown.next
    assert len(crew.run(shown.fleet, worker="").merges) and len(crew.runs()) == 3
    with crew.opened(actor="agent:coder") as context, pytest.raises(DeniedError):
        review(context, FleetReview(fleet=shown.fleet))
    with crew.opened() as context:
        seen = review(context, FleetReview(fleet=shown.fleet))
        assert (seen.unreviewed, seen.reviews_per_hour) == (0, 3.0)
        with pytest.raises(InvalidRequestError):
            review(context, FleetReview(fleet=shown.fleet, piece=["p1"]))
    assert crew.run(shown.fleet, worker="").state == "finished"


def test_a_judgement_waits_for_an_answer_that_those_after_it_are_told(crew: Crew) -> None:
    crew.plan({"which": {"kind": "judgement", "what": "Which?"}, "p": {"needs": ["which"]}})
    shown = crew.run()
    assert (crew.runs(), piece_of(shown, "which").asks) == ([], "judgement: Which?")
    with pytest.raises(DeniedError):
        crew.settle(shown.fleet, "which", "answer", "this", LIGNIN_ACTOR="agent:coder")
    for how, say in (("approve", ""), ("retry", ""), ("answer", " ")):
        with pytest.raises(InvalidRequestError):
            crew.settle(shown.fleet, "which", how, say)
    crew.settle(shown.fleet, "which", "answer", "the blue one")
    with pytest.raises(InvalidRequestError):
        crew.settle(shown.fleet, "which", "answer", "again")
    assert crew.run(shown.fleet).state == "finished"
    assert "A person answered: the blue one" in crew.told("p")


def test_notes_that_are_a_link_are_not_followed(crew: Crew) -> None:
    (crew.folder / "secret").write_text('{"why": "the secret"}')
    does = (
        f"write('p.py', ''); import os, shutil; os.symlink({str(crew.folder / 'secret')!r}, "
        "'.lignin-piece/notes.json'); sys.exit(0)"
    )
    crew.plan({"p": {"does": does}})
    shown = crew.run()
    with crew.opened() as context:
        assert "secret" not in piece(context, PieceRef(fleet=shown.fleet, piece="p")).digest
    assert shown.state == "finished"


def test_a_cancelled_fleet_ends_its_agents_and_makes_no_branch(crew: Crew) -> None:
    began = crew.folder / "began"
    crew.plan({"p": {"does": f"open({str(began)!r}, 'w').close(); time.sleep(600)"}})

    def cancel_it() -> None:
        waited = threading.Event()
        while not began.exists():
            waited.wait(0.05)
        with crew.opened() as context, context.view() as view:
            fleet = view.page("fleet").rows[0].key
        with crew.opened() as context:
            cancel(context, FleetCancel(fleet=fleet, reason="enough"))

    thread = threading.Thread(target=cancel_it)
    thread.start()
    shown = crew.run()
    thread.join()
    assert (shown.state, shown.branch, piece_of(shown, "p").returned) == ("cancelled", "", [])
    assert git(crew.repo, "branch", "--format=%(refname:short)").split() == ["trunk"]
    with pytest.raises(InvalidRequestError):
        crew.run(shown.fleet)


def test_agents_and_checks_run_in_the_sandbox_unless_told_otherwise(
    crew: Crew, sandbox: Sandbox
) -> None:
    assert sandbox.tier
    (crew.folder / "agents" / "agent.py").write_text(
        "import os, pathlib, sys\n"
        "told = sys.stdin.read()\n"
        f"assert not os.path.exists({str(crew.repo)!r}), 'it sees what is not its own'\n"
        "pathlib.Path('p.py').write_text('P = 1\\n')\n"
        "pathlib.Path('docs/x.md').unlink()\n"
    )
    check = f"test ! -e {crew.repo} && test ! -e docs/x.md && python -c 'import p'"
    crew.plan({"p": {"touches": ["p.py", "docs/*"], "checks": [check]}})
    shown = crew.run(worker="python agents/agent.py", unsandboxed=False)
    assert shown.state == "finished", shown
    assert git(crew.repo, "diff", "--name-status", "trunk", shown.branch).split() == [
        "D",
        "docs/x.md",
        "A",
        "p.py",
    ]
    assert "Lignin-Walls: sandbox" in git(crew.repo, "log", "-1", shown.branch)
