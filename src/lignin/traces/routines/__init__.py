"""Mines routines from runs and applies them to runs. Pure; nothing here knows a domain's words."""
