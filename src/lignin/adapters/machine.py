"""Time and entropy of this machine."""

import secrets
from datetime import UTC, datetime

from lignin.domain.ids import ENTROPY_BYTES, make_id


class SystemClock:
    """The clock port on the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemIds:
    """The id port on the machine's clock and entropy."""

    def new(self, prefix: str) -> str:
        return make_id(prefix, at=datetime.now(UTC), entropy=secrets.token_bytes(ENTROPY_BYTES))
