"""Importers, one file per trace format, each with an `IMPORTER`. Pure: no I/O, no clock."""
