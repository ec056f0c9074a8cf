"""The hostile corpus is whole, parses, differs, and is split as its labels say.

Nothing here runs a hostile specimen.
"""

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable

import pytest

from corpora.hostile import CLASSES, Specimen, load
from corpora.hostile.clean import FAMILIES
from corpora.hostile.record import record_all
from corpora.hostile.weave import RECORDED
from lignin.domain.artifacts import MANIFEST_PATH
from lignin.domain.codec import parse_json

HOST = re.compile(r"https?://(?:[^/\s\"'@]*@)?([A-Za-z0-9.-]*[A-Za-z0-9])")
NUMBERS = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?![\d.])")
REAL = re.compile(r"\b[A-Za-z0-9-]+\.(?:com|org|net|io|dev|ai|app|co)\b(?![\w(])")
FOR_DOCUMENTATION = {"192.0.2", "198.51.100", "203.0.113", "127.0.0", "999.1.1"}


@pytest.fixture(scope="module")
def hostile() -> list[Specimen]:
    return [*load("open", "hostile"), *load("held", "hostile")]


@pytest.fixture(scope="module")
def clean() -> list[Specimen]:
    return [*load("open", "clean"), *load("held", "clean")]


def code_files(specimens: Iterable[Specimen], ending: str) -> list[tuple[str, str]]:
    """(`specimen/path`, text) of every file with an ending."""
    return [
        (f"{specimen.name}/{path}", specimen.tree.text(path))
        for specimen in specimens
        for path in specimen.tree.files
        if path.endswith(ending)
    ]


def test_there_are_enough_of_every_class_and_sort(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    assert len(hostile) >= 320
    assert len(clean) >= 110
    assert len(CLASSES) == 9
    by_class = Counter(specimen.hostile_class for specimen in hostile)
    assert min(by_class[name] for name in CLASSES) >= 30, by_class
    for label in (hostile, clean):
        sorts = Counter(specimen.tree.manifest.kind for specimen in label)
        assert set(sorts) == {"program", "script", "skill"}
        assert min(sorts.values()) >= 12, sorts


def test_two_thirds_are_open_and_no_family_is_in_both_parts(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    for label in (hostile, clean):
        share = sum(specimen.part == "open" for specimen in label) / len(label)
        assert 0.6 < share < 0.7
        families = {(specimen.family, specimen.part) for specimen in label}
        assert len(families) == len({name for name, _ in families})
    part_of = {specimen.name: specimen.part for specimen in clean}
    assert all(part_of[specimen.of] == specimen.part for specimen in hostile)


def test_every_specimen_has_its_own_name_digest_and_entry(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    everything = [*hostile, *clean]
    assert len({specimen.name for specimen in everything}) == len(everything)
    assert len({specimen.tree.digest for specimen in everything}) == len(everything)
    for specimen in everything:
        path, _, function = specimen.tree.manifest.entry.partition(":")
        assert path in specimen.tree.files
        assert bool(function) == (specimen.tree.manifest.kind == "program")
        assert specimen.note or specimen.label == "clean"
        if specimen.tree.manifest.kind != "skill":
            assert len(specimen.examples) >= 4


def test_no_two_specimens_differ_in_the_contract_alone(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    contents = [
        tuple(
            entry["sha256"] for entry in specimen.tree.entries() if entry["path"] != MANIFEST_PATH
        )
        for specimen in [*hostile, *clean]
    ]
    assert len(set(contents)) == len(contents)


def test_all_python_parses_and_keeps_the_promised_function(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    for name, text in code_files([*hostile, *clean], ".py"):
        ast.parse(text, name)
    for specimen in [*hostile, *clean]:
        path, _, function = specimen.tree.manifest.entry.partition(":")
        if function:
            body = ast.parse(specimen.tree.text(path)).body
            assert function in [n.name for n in body if isinstance(n, ast.FunctionDef)]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_all_shell_parses(hostile: list[Specimen], clean: list[Specimen]) -> None:
    for name, text in code_files([*hostile, *clean], ".sh"):
        shell = "bash" if "bash" in text.split("\n", 1)[0] else "sh"
        done = subprocess.run(
            [shell, "-n"], input=text, text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{name}\n{text}"


def test_no_mark_of_the_weaving_is_left(hostile: list[Specimen]) -> None:
    for specimen in hostile:
        for path, file in specimen.tree.files.items():
            left = re.search(rb"@(F|FILE|CORE|QUIET|DATA|BODY)@", file.content)
            assert left is None, (specimen.name, path, left)


def leading_somewhere(text: str) -> list[str]:
    """The hosts and addresses in a text that could be somebody's."""
    hosts = [host for host in HOST.findall(text) if "." in host and not NUMBERS.fullmatch(host)]
    found = [host for host in hosts if not host.endswith(".invalid")]
    networks = [network for network in NUMBERS.findall(text) if network not in FOR_DOCUMENTATION]
    return found + networks + REAL.findall(text)


def test_every_host_and_address_is_one_that_leads_nowhere(
    hostile: list[Specimen], clean: list[Specimen]
) -> None:
    for specimen in [*hostile, *clean]:
        for file in specimen.tree.files.values():
            assert leading_somewhere(file.content.decode("utf-8", "replace")) == [], specimen.name


@pytest.mark.parametrize(
    "text",
    ["https://user@somewhere.example.se/x", "connect(('10.1.2.3', 80))", "smtp('mail.firm.net')"],
)
def test_a_planted_real_address_is_found(text: str) -> None:
    assert leading_somewhere(text) != []


@pytest.mark.slow
def test_the_clean_ones_still_answer_as_recorded() -> None:
    assert record_all() == parse_json(RECORDED.read_bytes())


def test_every_clean_call_has_an_answer_that_the_contract_allows() -> None:
    recorded = parse_json(RECORDED.read_bytes())
    assert isinstance(recorded, dict)
    for member in (clean for family in FAMILIES for clean in family.members if clean.calls):
        answers = recorded[member.name]
        assert isinstance(answers, list)
        errors = [answer["error"] for answer in answers if "error" in answer]
        assert set(errors) <= set(member.errors), member.name
        assert len(errors) < len(answers), member.name
