"""Machines of the `vm` tier from Modal, by its Python client (`lignin[modal]`, Modal's token)."""

import contextlib
from typing import Any

from lignin.adapters.sandbox.vm import Machine, Wanted
from lignin.domain.errors import UnavailableError

APP = "lignin"
PYTHON = "3.12"
_MEBIBYTE = 2**20
_OWN_MEBIBYTES = 128


class ModalProvider:
    """Sandboxes of one app, with the network blocked."""

    name = "modal"
    needs = "set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, or run: modal setup"

    def __init__(self, image: str = "", sdk: Any = None) -> None:
        """Take the client; raises ImportError where it is not installed."""
        if sdk is None:
            import modal

            sdk = modal
        self._sdk = sdk
        self.image = image or f"debian-slim, Python {PYTHON}"
        self._tag = image

    def make(self, wanted: Wanted) -> Machine:
        """Create a sandbox that the service terminates at the end of its lifetime."""
        sdk, limits = self._sdk, wanted.limits
        memory = (limits.memory_bytes + limits.work_bytes) // _MEBIBYTE + _OWN_MEBIBYTES
        image = (
            sdk.Image.from_registry(self._tag)
            if self._tag
            else sdk.Image.debian_slim(python_version=PYTHON)
        )
        sandbox = sdk.Sandbox.create(
            "sleep",
            str(wanted.lifetime_s),
            app=sdk.App.lookup(APP, create_if_missing=True),
            name=wanted.name,
            image=image,
            timeout=wanted.lifetime_s,
            cpu=1.0,
            memory=(memory, memory),
            block_network=True,
        )
        return _ModalMachine(sdk, sandbox)


class _ModalMachine:
    def __init__(self, sdk: Any, sandbox: Any) -> None:
        self._sdk = sdk
        self._sandbox = sandbox

    def write(self, path: str, content: bytes) -> None:
        self._sandbox.filesystem.write_bytes(content, path)

    def run(self, argv: tuple[str, ...], timeout_s: int) -> int:
        return int(self._sandbox.exec(*argv, timeout=timeout_s).wait())  # -1 where time was over

    def read(self, path: str, most_bytes: int) -> bytes:
        if self._sandbox.filesystem.stat(path).size > most_bytes:
            raise UnavailableError(f"{path} is longer than {most_bytes} bytes")
        return bytes(self._sandbox.filesystem.read_bytes(path))

    def destroy(self) -> None:
        with contextlib.suppress(self._sdk.exception.NotFoundError):  # it is gone already
            self._sandbox.terminate()
