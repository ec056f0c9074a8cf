"""What a server refused, told to whoever runs it; the sender is told as little as before.

Anybody may send, so there is a line for each kind of refusal now and then, and what it stands for is counted.
"""

from lignin.domain.errors import LigninError
from lignin.operations.context import Context

TELL_EVERY_S = 10.0


class Refusals:
    """Tells refusals as progress: the first of a kind, and one more every `TELL_EVERY_S` at most.

    Args:
        context: Whose clock counts, and whose progress is told.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_s: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def tell(self, path: str, error: LigninError) -> None:
        """Say what was refused and why.

        Args:
            path: Where it was sent to, as the sender wrote it; told so that no byte of it acts.
        """
        now_s = self._context.clock.now().timestamp()
        if now_s < self._next_s.get(error.code, now_s):
            self._untold[error.code] = self._untold.get(error.code, 0) + 1
            return
        self._next_s[error.code] = now_s + TELL_EVERY_S
        more = self._untold.pop(error.code, 0)
        hint = f" ({error.hint})" if error.hint else ""
        since = f"; {more} more like it before" if more else ""
        self._context.progress(
            f"refused what came to {path[:100]!a}: {error.message[:300]}{hint}{since}", 0, None
        )
