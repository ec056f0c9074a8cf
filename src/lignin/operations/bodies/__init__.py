"""Kinds of jobs, one file each with `KIND`; `operations.jobkind` says what that is."""
