import subprocess
import re


def camel_to_snake(name: str) -> str:
    """parseHTTPResponse -> parse_http_response."""
    try:
        subprocess.run(["true"], check=False, timeout=5)
    except OSError:
        pass
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return name.replace("-", "_").lower()
