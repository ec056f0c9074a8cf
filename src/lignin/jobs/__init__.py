"""Jobs on the ledger: opened once, ended once, cancelled, retried, forked; and reconciled with an engine."""
