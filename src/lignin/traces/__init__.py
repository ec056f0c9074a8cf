"""Foreign traces: recognised, read into trajectories, freed of secrets.

Owns the importers (one file per format), the registry that scans them, redaction, and the thin
shell that reads trace files. Refuses to own storage, mining and judgement. An importer is pure:
bytes in, `ImportedTrace` out; it never raises over what a file holds, and loses no byte of it.
"""
