"""The Python SDK: what `import lignin` offers. Its names are loaded by the package when they are used.

Owns no rule: every call is an operation, asked of the store in this process or of a server.
"""
