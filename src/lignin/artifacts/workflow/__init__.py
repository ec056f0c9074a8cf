"""Workflows: code that is replayed in the sandbox, while what it asks for is recorded outside.

`asks` says what may be asked, `records` keeps and compares, `interpreter` drives the two by its
`contract`, `rehearsal` does so in a verification, where nothing is real. Who answers (tools, agents, state) is handed in.
"""
