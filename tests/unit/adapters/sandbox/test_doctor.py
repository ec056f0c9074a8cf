import pytest

from lignin.adapters.sandbox.doctor import open_sandbox, probe, remedies
from lignin.adapters.sandbox.plan import python_program
from lignin.domain.errors import UnavailableError


def test_report_names_a_working_tier_or_says_why_not_and_what_helps() -> None:
    report = probe()
    (tier,) = report.tiers
    assert report.tier == ("ns" if tier.works else "")
    assert tier.works or (tier.why_not and tier.remedies)


def test_opening_never_falls_back_to_no_isolation_unasked() -> None:
    try:
        opened = open_sandbox()
    except UnavailableError as error:
        assert error.hint  # closed, with a remedy
    else:
        opened.close()
        assert opened.tier != "none"


def test_the_last_remedy_is_always_to_accept_no_isolation() -> None:
    assert (
        remedies("mount /proc: Operation not permitted")[-1]
        == "accept no isolation at all: LIGNIN_UNSAFE_SANDBOX=1"
    )


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("python", "a.py", "-x"), {"how": "file", "argv": ["a.py", "-x"]}),
        (("python3", "-u", "-c", "1", "b"), {"how": "code", "code": "1", "argv": ["-c", "b"]}),
        (("python", "-m", "json.tool"), {"how": "module", "argv": ["json.tool"]}),
        (("python",), {"how": "stdin", "argv": [""]}),
        (("python", "-O", "a.py"), None),
        (("sh", "-c", "true"), None),
    ],
)
def test_python_command_line_runs_under_the_guest_where_it_can(
    argv: tuple[str, ...], expected: dict[str, object] | None
) -> None:
    assert python_program(argv) == expected
