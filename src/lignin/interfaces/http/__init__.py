"""HTTP: the operations table as an API, with OpenAPI, beside telemetry intake and MCP on one port."""
