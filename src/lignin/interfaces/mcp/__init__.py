"""MCP: operations as tools, a head's skills as skills. The only place that knows fastmcp.

`teaching` says what tools there are and how to succeed with them, without any protocol; `server`,
`tools`, `skills` and `tasks` are the adapter.
"""
