"""The ledger on SQLite and Postgres, by SQLAlchemy Core (decision record 1).

`open_ledger` opens a store by URL; `SqlLedger` commits; `RemoteLedger` sends commits to a resident
writer when one is there. Nothing outside this package knows a table.
"""
