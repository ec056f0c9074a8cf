import os
from pathlib import Path

import pytest

from lignin.adapters.broker.vault import UserVault, read_private
from lignin.domain.errors import UnavailableError


def keep(path: Path, text: bytes = b"tok-9f3Kq7Zx1LmWb4\n", mode: int = 0o600) -> Path:
    path.write_bytes(text)
    path.chmod(mode)
    return path


def test_credential_comes_from_a_variable_or_a_private_file(tmp_path: Path) -> None:
    vault = UserVault({"T": "from-a-variable"}, tmp_path)
    keep(tmp_path / "token")
    assert vault.read(variable="T", file="").reveal() == "from-a-variable"
    assert vault.read(variable="", file="~/token").reveal() == "tok-9f3Kq7Zx1LmWb4"
    assert vault.read(variable="", file=str(tmp_path / "token")).reveal().startswith("tok")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_file_that_others_may_read_or_write_does_not_count(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnavailableError, match="others"):
        read_private(keep(tmp_path / "token", mode=mode))


def test_what_is_no_plain_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(keep(tmp_path / "token"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "pipe", ".", "missing"):
        with pytest.raises(UnavailableError):
            read_private(tmp_path / name)


@pytest.mark.parametrize("content", [b"x" * 70_000, b"\xff\xfe"])
def test_unfit_content_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnavailableError) as caught:
        read_private(keep(tmp_path / "token", content))
    assert "xxx" not in str(caught.value)


def test_unset_variable_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="not set"):
        UserVault({"T": ""}, tmp_path).read(variable="T", file="")
