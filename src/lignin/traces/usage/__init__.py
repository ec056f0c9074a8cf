"""Uses of artifacts, counted once each over transcripts, telemetry and our own receipts.

`signs` reads what one run shows, `merge` brings the accounts together, `spending` says what each
use took. All of it is pure. What one use is stands in `merge`.
"""

from lignin.traces.usage.merge import count_uses
from lignin.traces.usage.signs import Account

__all__ = ["Account", "count_uses"]
