"""Builders of snippets and the kinds as installed."""

from lignin.artifacts.laws import recognise
from lignin.artifacts.registry import load_kinds
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import CommandRun, Snippet

KINDS = load_kinds()
PROVENANCE = Provenance(source="s.jsonl", session="S", event=1, how="written")


def snippet(text, path="helpers/totals.py", language="python", **more):
    fields = {"how": "written", "session": "S", "index": 1, **more}
    return Snippet(path=path, text=text, language=language, **fields)


def inline(code, stdout, exit_code=0):
    return CommandRun(command="inline", inline=code, argv=(), stdout=stdout, exit_code=exit_code)


def run(stdout, *argv, stdin="", files=None, exit_code=0):
    return CommandRun(argv=argv, stdout=stdout, stdin=stdin, files=files or {}, exit_code=exit_code)


def candidate(text, *runs, **more) -> Candidate:
    answer = recognise(snippet(text, runs=runs, **more), PROVENANCE, KINDS)
    assert isinstance(answer, Candidate), answer
    return answer


def refusal(text, *runs, **more) -> str:
    answer = recognise(snippet(text, runs=runs, **more), PROVENANCE, KINDS)
    assert isinstance(answer, Refusal), answer
    return answer.reason
