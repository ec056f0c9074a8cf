import re


def parse(header: str) -> dict:
    """'text/html; charset="utf-8"' -> type, subtype and parameters."""
    match = re.match(r"\s*([\w.+-]+)/([\w.+-]+)\s*(?=;|$)", header)
    if not match:
        raise ValueError("no media type")
    params = {}
    for name, quoted, plain in re.findall(r';\s*([\w.-]+)=(?:"([^"]*)"|([^\s;"]*))', header):
        params[name.lower()] = quoted or plain
    return {"type": match[1].lower(), "subtype": match[2].lower(), "params": params}
