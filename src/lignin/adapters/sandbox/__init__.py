"""Tiers of the sandbox port: `ns` (Linux namespaces) and `none`; `doctor` picks one."""
