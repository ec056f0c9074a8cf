"""What is taken for a requirement, where it is read from, and how a lock becomes part of an artifact."""

import pytest

from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.registry import load_kinds
from lignin.artifacts.requirements import (
    declared_requirements,
    parse_requirements,
    script_requirements,
    with_lock,
)
from lignin.domain.artifacts import MANIFEST_PATH, File, Manifest, parse_manifest
from lignin.domain.candidates import Candidate
from lignin.domain.codec import canonical_bytes
from lignin.domain.dependencies import MAX_REQUIRES, Locked, PackageSet, joint_set
from lignin.domain.errors import InvalidRequestError

SWAN = '''"""Counts swans."""
import swan


def count(number: int) -> int:
    """Return a number of swans."""
    return swan.count(number)
'''
HASH = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"


def entry(name: str = "swan", version: str = "1.0", wheel: str = HASH) -> Locked:
    return Locked(name=name, version=version, wheels=(wheel,))


def captured(text: str, requires: tuple[str, ...] = ()) -> Candidate:
    files = {"count.py": File(content=text.encode())}
    return candidate_from_files(files, "", None, [], load_kinds(), requires=requires)


def test_requirements_are_put_in_one_form() -> None:
    given = ["Py_YAML >= 6", "swan[Fast,big]==1.*", "py-yaml>=6", 'tern; python_version < "4"']
    assert parse_requirements(given) == (
        "py-yaml>=6",
        "swan[big,fast]==1.*",
        'tern; python_version < "4"',
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swan @ https://example.invalid/swan.whl",
        "swan @ file:///tmp/swan.whl",
        "https://example.invalid/swan.whl",
        "git+https://example.invalid/swan",
        "./swan",
        "/tmp/swan.whl",
        "../swan",
        "-e .",
        "-r more.txt",
        "--index-url=https://example.invalid",
        "swan --hash=sha256:00",
        "swan --extra-index-url https://example.invalid",
        "swan\n--index-url x",
        "swan;",
        "swan==",
        "svαn",
        "swan>=1 # why",
        f"swan=={'1' * 400}",
    ],
)
def test_what_is_no_requirement_by_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no requirement by name"):
        parse_requirements([text])


@pytest.mark.parametrize("text", ["swan @ https://example.invalid/swan.whl", "./swan", "-e .", ""])
def test_a_manifest_has_no_place_for_an_address_a_path_or_an_option(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="does not fit its form"):
        parse_manifest(manifest_with(requires=[text]))


def manifest_with(**fields: object) -> bytes:
    body = {"kind": "program", "entry": "a.py:f", "runtime": "python", **fields}
    return canonical_bytes(body)  # type: ignore[arg-type]


def test_too_many_requirements_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="at most"):
        parse_requirements([f"swan{number}" for number in range(MAX_REQUIRES + 1)])


def block(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" for line in lines), "# ///", "", SWAN])


def test_the_script_block_of_a_file_is_read() -> None:
    text = block('requires-python = ">=3.8"', "dependencies = [", '  "Swan>=1",', '  "tern",', "]")
    assert script_requirements(text, "3.11.7") == ("swan>=1", "tern")
    assert script_requirements(SWAN, "3.11.7") == ()
    assert script_requirements(block('requires-python = ">=3"'), "3.11.7") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (block("dependencies = ["), "is no TOML"),
        (block('dependencies = "swan"'), "no list of texts"),
        (block("dependencies = [1]"), "no list of texts"),
        (block('dependencies = ["./swan"]'), "no requirement by name"),
        (block('requires-python = ">=4"'), "asks for Python >=4"),
        (block('requires-python = "x"'), "is no version"),
        (block("requires-python = 3"), "is no version"),
        (block("[tool.uv.sources]", 'swan = { path = "." }'), "where packages come from"),
        (block("[[tool.uv.index]]", 'url = "x"'), "where packages come from"),
        (block() + block(), "two"),
    ],
)
def test_a_script_block_that_cannot_be_kept_to_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        script_requirements(text.replace("# /// script\n# ///", "# /// script\n#\n# ///"), "3.11.7")


def test_what_is_declared_anywhere_is_joined() -> None:
    files = {
        "a.py": File(content=block('dependencies = ["swan"]').encode()),
        MANIFEST_PATH: File(content=manifest_with(requires=["tern"])),
        "b.py": File(content=b"\xff"),
    }
    assert declared_requirements(files, ["pond"], "3.11.7") == ("pond", "swan", "tern")


def test_code_may_import_what_is_not_its_own_only_where_it_requires_something() -> None:
    with pytest.raises(InvalidRequestError, match="imports swan, which is not in the standard"):
        captured(SWAN)
    assert captured(SWAN, ("swan",)).tree.manifest.kind == "program"


def test_the_lock_is_part_of_the_identity() -> None:
    plain = captured(SWAN, ("swan",))
    first = with_lock(plain, ("swan",), (entry(),))
    assert first.tree.manifest.packages == PackageSet(requires=("swan",), lock=(entry(),))
    others = [
        with_lock(plain, ("swan",), (entry(wheel=OTHER),)),
        with_lock(plain, ("swan",), (entry(version="1.1"),)),
        with_lock(plain, ("swan>=1",), (entry(),)),
        plain,
    ]
    assert len({each.tree.digest for each in (first, *others)}) == 5
    assert with_lock(plain, (), ()) is plain


def test_a_manifest_without_packages_is_written_as_it_was() -> None:
    manifest = Manifest(kind="program", entry="a.py:f", runtime="python")
    assert b"requires" not in manifest.to_file().content
    assert b'"lock"' not in manifest.to_file().content


def test_what_python_does_not_run_requires_nothing() -> None:
    files = {"a.sh": File(content=b'#!/bin/sh\necho "$1"\n', mode="0755")}
    found = candidate_from_files(files, "", None, [], load_kinds(), requires=("swan",))
    with pytest.raises(InvalidRequestError, match="can require no Python packages"):
        with_lock(found, ("swan",), (entry(),))
    with pytest.raises(InvalidRequestError, match="only what Python runs"):
        parse_manifest(manifest_with(runtime="sh", requires=["swan"]))


@pytest.mark.parametrize(
    "lock",
    [
        [{"name": "Swan", "version": "1", "wheels": [HASH]}],
        [{"name": "swan_x", "version": "1", "wheels": [HASH]}],
        [{"name": "swan", "version": ">=1", "wheels": [HASH]}],
        [{"name": "swan", "version": "1", "wheels": []}],
        [{"name": "swan", "version": "1", "wheels": ["sha256:00"]}],
        [{"name": "swan", "version": "1", "wheels": ["md5:" + "a" * 64]}],
        [{"name": "swan", "version": "1", "wheels": [HASH], "url": "https://example.invalid"}],
        [{"name": "swan", "version": "1", "wheels": [HASH]}] * 2,
    ],
)
def test_a_lock_that_is_not_exact_is_refused(lock: object) -> None:
    with pytest.raises(InvalidRequestError):
        parse_manifest(manifest_with(requires=["swan"], lock=lock))


def test_a_lock_without_requirements_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="requires none"):
        parse_manifest(manifest_with(lock=[entry().model_dump(mode="json")]))


def test_artifacts_of_one_run_must_lock_alike() -> None:
    swan = PackageSet(requires=("swan",), lock=(entry(),))
    tern = PackageSet(requires=("tern",), lock=(entry("tern"),))
    assert joint_set([tern, swan, swan]) == PackageSet(
        requires=("swan", "tern"), lock=(entry(), entry("tern"))
    )
    assert joint_set([]) == PackageSet(requires=(), lock=())
    newer = PackageSet(requires=("swan",), lock=(entry(version="1.1"),))
    with pytest.raises(InvalidRequestError, match=r"swan==1\.0 and swan==1\.1"):
        joint_set([swan, newer])
