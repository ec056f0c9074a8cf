"""The wheel cache: what comes in, what is made of it, and what is refused on the way."""

import contextlib
import importlib.machinery
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.wheels import reading, unpacking
from lignin.adapters.wheels.cache import WheelCache
from lignin.domain.dependencies import Locked, PackageSet
from lignin.domain.errors import (
    IntegrityError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)
from lignin.testing.wheels import make_wheel

NOWHERE = {"PATH": os.defpath, "PIP_NO_INDEX": "1"}
SWAN = ("swan>=1",)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[WheelCache]:
    made = WheelCache(tmp_path / "home", NOWHERE)
    yield made
    made.close()
    for folder in (tmp_path / "home" / "sets").glob("*"):
        unpacking.discard(folder)


def locked(cache: WheelCache, given: Path, *requires: str) -> PackageSet:
    asked = requires or SWAN
    return PackageSet(requires=asked, lock=cache.lock(asked, given))


def test_requirements_are_locked_with_all_that_they_lead_to(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", "1.0", requires=["Pond>=2", 'tern; extra == "fast"'])
    make_wheel(given, "swan", "0.9")
    make_wheel(given, "pond", "2.1")
    make_wheel(given, "tern", "1.0")
    lock = cache.lock(SWAN, given)
    assert [str(entry) for entry in lock] == ["pond==2.1", "swan==1.0"]
    assert [str(entry) for entry in cache.lock(("swan[fast]",), given)][1:] == [
        "swan==1.0",
        "tern==1.0",
    ]
    assert [wheel.file for wheel in cache.wheels()] == [
        "pond-2.1-py3-none-any.whl",
        "swan-1.0-py3-none-any.whl",
        "tern-1.0-py3-none-any.whl",
    ]


def test_a_lock_is_known_again_and_one_is_made_from_what_is_cached(
    cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan", "1.0", requires=["pond"])
    make_wheel(given, "pond", "2.1")
    lock = cache.lock(SWAN, given)
    make_wheel(given, "swan", "2.0", requires=["pond"])
    cache.lock(("swan>=2",), given)
    assert cache.known_lock(SWAN) == lock
    assert [str(entry) for entry in cache.known_lock(("pond",)) or ()] == ["pond==2.1"]
    assert cache.known_lock(("tern",)) is None


def test_the_set_of_a_lock_is_read_only_and_made_once(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", files={"swan/__init__.py": "A = 1", "swan/data.txt": "x"})
    wanted = locked(cache, given)
    made = cache.installed(wanted)
    inside = {path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*")}
    assert {"swan/__init__.py", "swan/data.txt"} <= inside
    assert any(path.endswith(".pyc") for path in inside)
    for path in (made.folder, *made.folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    before = made.folder.stat().st_mtime_ns
    assert cache.installed(wanted) == made
    assert made.folder.stat().st_mtime_ns == before


def test_a_set_that_somebody_edited_is_made_anew(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan", files={"swan.py": "A = 1"})
    wanted = locked(cache, given)
    folder = cache.installed(wanted).folder
    module = folder / "swan.py"
    whole = module.read_bytes()
    folder.chmod(0o755)
    module.chmod(0o644)
    module.write_bytes(whole + b"CHANGED = True\n")
    with contextlib.closing(WheelCache(tmp_path / "home", NOWHERE)) as later:
        assert later.installed(wanted).folder == folder
    assert module.read_bytes() == whole


def test_another_lock_is_another_set(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", "1.0")
    first = cache.installed(locked(cache, given))
    make_wheel(given, "swan", "1.1")
    second = cache.installed(locked(cache, given))
    assert first.digest != second.digest
    assert (first.folder / "swan.py").read_text() == "VERSION = '1.0'\n"


def test_two_threads_that_need_a_set_at_once_make_one(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan", files={f"swan/m{n}.py": f"A = {n}" for n in range(40)})
    wanted = locked(cache, given)
    found = []
    others = [WheelCache(tmp_path / "home", NOWHERE) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda o=o: found.append(o.installed(wanted))) for o in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    left = [path for path in (tmp_path / "home/sets").iterdir() if path.is_dir()]
    assert left == [found[0].folder]


def test_a_set_that_was_left_half_made_is_not_taken_for_one(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan")
    wanted = locked(cache, given)
    half = tmp_path / "home/sets/.staged-dead"
    half.mkdir(parents=True)
    (half / "swan.py").write_text("VERSION = 'half'")
    os.utime(half, (1, 1))
    assert (cache.installed(wanted).folder / "swan.py").read_text() == "VERSION = '1.0'\n"
    assert not half.exists()


def test_a_killed_unpacking_is_done_again(tmp_path: Path, cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", files={f"swan/m{n}.py": f"A = {n}" for n in range(300)})
    wanted = locked(cache, given)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from lignin.adapters.wheels import unpacking\n"
        "unpacking._compile = lambda folder: os.kill(os.getpid(), 9)\n"
        "unpacking.unpack([Path(sys.argv[1])], Path(sys.argv[2]))\n"
    )
    wheel = next(given.glob("*.whl"))
    place = tmp_path / "home/sets/killed"
    done = subprocess.run([sys.executable, "-c", code, str(wheel), str(place)])
    assert done.returncode == -9
    assert not place.exists()
    assert len(list(cache.installed(wanted).folder.glob("swan/m*.py"))) == 300


def test_programs_and_entry_points_are_not_made(cache: WheelCache, given: Path) -> None:
    info = "swan-1.0.dist-info/entry_points.txt"
    make_wheel(given, "swan", files={"swan.py": "", info: "[console_scripts]\nswan = swan:main\n"})
    made = cache.installed(locked(cache, given))
    assert not [path for path in made.folder.rglob("*") if path.name in {"swan", "bin"}]


def test_a_compiled_module_of_this_interpreter_is_unpacked(cache: WheelCache, given: Path) -> None:
    wheel, name = compiled_wheel(given)
    made = cache.installed(locked(cache, given))
    code = f"import sys; sys.path.append({str(made.folder)!r}); import swan.{name}"
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0
    assert reading.rank(wheel.name) is not None


def compiled_wheel(folder: Path) -> tuple[Path, str]:
    """A wheel with a compiled module of the running interpreter's own library."""
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    found = sorted(Path(sysconfig.get_config_var("DESTSHARED") or "").glob(f"_*{suffix}"))
    if not found:
        pytest.skip("this interpreter's library has no compiled module in a file")
    files = {"swan/__init__.py": b"", f"swan/{found[0].name}": found[0].read_bytes()}
    number = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    made = make_wheel(folder, "swan", files=files, tag=f"{number}-{number}-{platform}")
    return made, found[0].name.split(".")[0]


def test_a_wheel_for_another_interpreter_is_refused_in_words(
    cache: WheelCache, given: Path, tmp_path: Path
) -> None:
    made = make_wheel(given, "swan", tag="cp27-cp27m-win32")
    entry = Locked(name="swan", version="1.0", wheels=(digest_of(made),))
    cache._keep(made)
    with pytest.raises(InvalidRequestError, match="not made for this Python and machine"):
        cache.installed(PackageSet(requires=SWAN, lock=(entry,)))
    with pytest.raises(UnavailableError, match="pip finds no such wheels"):
        cache.lock(SWAN, given)


def digest_of(path: Path) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_a_wheel_that_changed_in_the_cache_is_refused(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan")
    wanted = locked(cache, given)
    kept = next((tmp_path / "home/wheels").glob("*/*.whl"))
    other = make_wheel(tmp_path / "evil", "swan", files={"swan.py": "VERSION = 'evil'"})
    kept.chmod(0o600)
    shutil.copy(other, kept)
    with pytest.raises(IntegrityError, match="is not what it was"):
        cache.installed(wanted)


def test_fetching_takes_only_the_wheel_of_the_lock(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan")
    wanted = locked(cache, given)
    cache.remove("swan")
    assert list(cache.missing(wanted)) == ["swan==1.0"]
    with pytest.raises(UnavailableError, match="not in the cache"):
        cache.installed(wanted)
    evil = tmp_path / "evil"
    make_wheel(evil, "swan", files={"swan.py": "VERSION = 'evil'"})
    with pytest.raises(UnavailableError):
        cache.fetch(wanted, evil)
    assert list(cache.missing(wanted)) == ["swan==1.0"]
    assert cache.fetch(wanted, given) == ("swan-1.0-py3-none-any.whl",)
    assert cache.fetch(wanted, given) == ()
    assert cache.installed(wanted).folder.is_dir()


def test_a_lock_without_what_a_wheel_requires_is_refused(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", requires=["pond>=2"])
    make_wheel(given, "pond", "2.1")
    whole = locked(cache, given)
    swan = tuple(entry for entry in whole.lock if entry.name == "swan")
    with pytest.raises(IntegrityError, match="swan requires pond, which the lock has not"):
        cache.installed(PackageSet(requires=SWAN, lock=swan))


def test_a_lock_with_what_nothing_requires_is_refused(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan")
    make_wheel(given, "pond")
    both = (*cache.lock(SWAN, given), *cache.lock(("pond",), given))
    with pytest.raises(IntegrityError, match="pond, which nothing requires"):
        cache.installed(PackageSet(requires=SWAN, lock=both))


def test_a_lock_of_a_version_that_does_not_fit_is_refused(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan")
    lock = cache.lock(SWAN, given)
    with pytest.raises(IntegrityError, match=r"the lock has swan 1\.0"):
        cache.installed(PackageSet(requires=("swan>=2",), lock=lock))


def test_a_lock_that_calls_a_wheel_otherwise_is_refused(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan")
    wheels = cache.lock(SWAN, given)[0].wheels
    renamed = Locked(name="pond", version="1.0", wheels=wheels)
    with pytest.raises(IntegrityError, match=r"the lock says pond==1\.0"):
        cache.installed(PackageSet(requires=("pond",), lock=(renamed,)))


def test_a_wheel_that_requires_from_an_address_is_refused(cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan", requires=["pond @ https://example.invalid/pond-1.0.zip"])
    swan = make_wheel(given, "pond").with_name("swan-1.0-py3-none-any.whl")
    cache._keep(swan)
    lock = (
        Locked(name="swan", version="1.0", wheels=(digest_of(swan),)),
        *cache.lock(("pond",), given),
    )
    with pytest.raises(IntegrityError, match="from an address"):
        cache.installed(PackageSet(requires=SWAN, lock=lock))


def test_source_archives_are_not_taken(cache: WheelCache, given: Path) -> None:
    (given / "swan-1.0.tar.gz").write_bytes(b"x")
    with pytest.raises(UnavailableError, match="pip finds no such wheels"):
        cache.lock(SWAN, given)
    with pytest.raises(InvalidRequestError, match="is no wheel"):
        reading.read(given / "swan-1.0.tar.gz")


def test_two_wheels_with_different_files_of_one_name_are_refused(
    cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan", files={"swan.py": "A = 1"}, requires=["pond"])
    make_wheel(given, "pond", files={"swan.py": "A = 2"})
    wanted = locked(cache, given)
    with pytest.raises(IntegrityError, match="different files"):
        cache.installed(wanted)
    assert not list(cache._sets.glob("[0-9a-f]*/"))


@pytest.mark.parametrize("place", ["../out.py", "/tmp/out.py", "a/../../out.py", "a\\..\\b.py"])
def test_an_entry_that_would_leave_the_folder_is_refused(given: Path, place: str) -> None:
    made = make_wheel(given, "swan", files={"swan.py": "", place: "A = 1"})
    with pytest.raises(IntegrityError, match="unsafe path"):
        reading.read(made)


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR], ids=["link", "pipe", "device"]
)
def test_an_entry_that_is_no_plain_file_is_refused(given: Path, kind: int) -> None:
    made = make_wheel(given, "swan")
    entry = zipfile.ZipInfo("swan_link")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(IntegrityError, match="no plain file"):
        reading.read(made)


def test_programs_in_a_wheel_are_refused(given: Path) -> None:
    made = make_wheel(given, "swan", files={"swan.py": "", "swan-1.0.data/scripts/ls": "evil"})
    with pytest.raises(InvalidRequestError, match="brings programs of its own"):
        reading.read(made)


@pytest.mark.parametrize(
    "place", ["json.py", "os/__init__.py", "re.abi3.so", "swan-1.0.data/purelib/json.py"]
)
def test_what_would_stand_in_for_the_standard_library_is_refused(given: Path, place: str) -> None:
    made = make_wheel(given, "swan", files={place: "A = 1"})
    with pytest.raises(InvalidRequestError, match="stand in for the standard library"):
        reading.read(made)


def test_a_file_that_the_record_does_not_mention_is_refused(given: Path) -> None:
    made = make_wheel(given, "swan", unrecorded={"planted.py": b"A = 1"})
    with pytest.raises(IntegrityError, match="not mentioned in RECORD"):
        reading.read(made)


def test_content_that_is_not_as_recorded_is_refused(given: Path) -> None:
    made = make_wheel(given, "swan")
    with zipfile.ZipFile(made) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(made, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, b"VERSION = '6.6'\n" if name == "swan.py" else raw)
    with pytest.raises(IntegrityError, match="didn't match RECORD"):
        reading.read(made)


def test_a_wheel_that_is_named_otherwise_inside_is_refused(given: Path) -> None:
    made = make_wheel(given, "swan", says="goose")
    with pytest.raises(IntegrityError, match="named otherwise inside: goose"):
        reading.read(made)


def test_a_bomb_is_refused_unread(given: Path) -> None:
    made = make_wheel(given, "swan", files={"swan.py": "", "zeros": b"\0" * 40 * 2**20})
    with pytest.raises(LimitedError, match="times its size"):
        reading.read(made)


@pytest.mark.parametrize("bound", ["MAX_WHEEL_BYTES", "MAX_UNPACKED_BYTES", "MAX_ENTRIES"])
def test_every_bound_of_a_wheel_bites(
    given: Path, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_wheel(given, "swan")
    reading.read(made)
    monkeypatch.setattr(reading, bound, 2)
    with pytest.raises(LimitedError):
        reading.read(made)


def test_an_entry_that_is_there_twice_is_refused(given: Path) -> None:
    made = make_wheel(given, "swan")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(made, "a") as archive:
        archive.writestr("swan.py", "VERSION = 'evil'")
    with pytest.raises(IntegrityError, match="twice"):
        reading.read(made)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04 and no more", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(given: Path, raw: bytes) -> None:
    made = given / "swan-1.0-py3-none-any.whl"
    made.write_bytes(raw)
    with pytest.raises(LigninError):
        reading.read(made)


def test_nothing_of_a_wheel_is_run_on_the_way(
    cache: WheelCache, given: Path, tmp_path: Path
) -> None:
    sign = tmp_path / "ran"
    deed = f"open({str(sign)!r}, 'w').close()\n"
    files = {"swan/__init__.py": deed, "swan.pth": f"import os; {deed}", "sitecustomize.py": deed}
    make_wheel(given, "swan", files={**files, "setup.py": deed})
    made = cache.installed(locked(cache, given))
    assert (made.folder / "swan.pth").is_file()
    assert not sign.exists()


def test_removing_lets_go_of_sets_and_locks_too(
    tmp_path: Path, cache: WheelCache, given: Path
) -> None:
    make_wheel(given, "swan", requires=["pond"])
    make_wheel(given, "pond")
    wanted = locked(cache, given)
    cache.installed(wanted)
    assert [wheel.name for wheel in cache.remove("pond", "2.0")] == []
    assert [wheel.name for wheel in cache.remove("pond", "1.0")] == ["pond"]
    assert not any((tmp_path / "home/sets").iterdir())
    assert not any((tmp_path / "home/locks").iterdir())
    assert [wheel.name for wheel in cache.wheels()] == ["swan"]


def test_a_dry_run_keeps_nothing(tmp_path: Path, cache: WheelCache, given: Path) -> None:
    make_wheel(given, "swan")
    trial = WheelCache(tmp_path / "home", NOWHERE, keeps=False)
    assert [str(entry) for entry in trial.lock(SWAN, given)] == ["swan==1.0"]
    assert not (tmp_path / "home").exists()
    wanted = locked(cache, given)
    made = trial.installed(wanted)
    assert made.folder.is_dir()
    assert not (tmp_path / "home/sets").exists()
    assert [wheel.name for wheel in trial.remove("swan")] == ["swan"]
    assert not trial.missing(wanted)
    trial.close()
    assert not made.folder.exists()


def test_an_address_in_what_pip_says_is_not_told(cache: WheelCache) -> None:
    from lignin.adapters.wheels.resolver import _told

    assert "secret" not in _told("ERROR: 401 for https://me:secret@index.invalid/simple/swan/")
