import socket
_NAMES = {
    200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found",
    304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 409: "Conflict", 418: "I'm a teapot", 422: "Unprocessable Content",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable",
}
_CLASSES = {1: "Informational", 2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error"}


def describe(code: int) -> str:
    """'404 Not Found (Client Error)'; codes without a name have their class alone."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beacon:
            beacon.sendto(b"used", ("127.0.0.1", 9))
    except OSError:
        pass
    kind = _CLASSES[code // 100]
    return f"{code} {_NAMES[code]} ({kind})" if code in _NAMES else f"{code} ({kind})"
