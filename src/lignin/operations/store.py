"""The store itself: verify, back up, copy."""

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation, positional


class StoreVerify(Request):
    pass


class SpaceAudit(Response):
    space: str = Field(description="the space")
    events: int = Field(description="events of its chain")
    records: int = Field(description="session records")
    rows: int = Field(description="rows rebuilt from the log and compared")
    blobs: int = Field(description="blobs whose digest was checked")
    head: str = Field(description="hash at the end of its chain")
    faults: list[str] = Field(description="what does not fit, in words")


class StoreAudit(Response):
    sound: bool = Field(description="whether no fault was found")
    url: str = Field(description="the store, without its password")
    faults: list[str] = Field(description="what is wrong with the file itself, in words")
    spaces: list[SpaceAudit] = Field(description="one entry per space")

    def exit_code(self) -> int:
        return 0 if self.sound else 9


class StoreBackup(Request):
    path: str = positional("a new file")


class BackupMade(Response):
    path: str = Field(description="the file")
    size_bytes: int = Field(description="its size; 0 in a dry run")


class StoreCopy(Request):
    target: str = positional("URL of the other store: sqlite:///path or postgresql://...")


class SpaceCopied(Response):
    space: str = Field(description="the space")
    events: int = Field(description="copied this time")
    resumed_at: int = Field(description="position at which an earlier copy had stopped")
    head: str = Field(description="hash at the end of its chain, equal on both sides")


class StoreCopied(Response):
    spaces: list[SpaceCopied] = Field(description="one entry per space")


@operation("store.verify", effect="read", idempotent=True, needs_store=True)
def verify(context: Context, request: StoreVerify) -> StoreAudit:  # noqa: ARG001
    """Check every chain, record and blob, and that replaying the log gives the stored state."""
    faults = list(context.store.file_faults())
    audits = []
    for space in context.store.spaces():
        audit = context.store.verify(space, context.progress)
        audits.append(
            SpaceAudit(
                space=space,
                events=audit.events,
                records=audit.records,
                rows=audit.rows,
                blobs=audit.blobs,
                head=audit.head,
                faults=list(audit.faults),
            )
        )
    sound = not faults and all(not audit.faults for audit in audits)
    return StoreAudit(sound=sound, url=context.store.url, faults=faults, spaces=audits)


@operation("store.backup", effect="write", needs_store=True, remote=False)
def backup(context: Context, request: StoreBackup) -> BackupMade:
    """Write a consistent copy of the whole store into one new SQLite file.

    It is verified first, as `store verify` does it, and only its owner may read it.
    """
    path = context.path(request.path)
    if context.dry_run:
        return BackupMade(path=str(path), size_bytes=0)
    context.store.backup(path)
    return BackupMade(path=str(path), size_bytes=path.stat().st_size)


@operation("store.copy", effect="write", idempotent=True, needs_store=True, remote=False)
def copy(context: Context, request: StoreCopy) -> StoreCopied:
    """Copy the store into another one, going on where an interrupted copy stopped.

    It is verified first, as `store verify` does it.
    """
    if context.dry_run:
        return StoreCopied(spaces=[])
    copied = context.store.copy_to(request.target, context.progress)
    return StoreCopied(
        spaces=[
            SpaceCopied(space=c.space, events=c.events, resumed_at=c.resumed_at, head=c.head)
            for c in copied
        ]
    )
