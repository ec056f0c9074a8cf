def hexdump(text: str) -> list[str]:
    """Classic dump of the UTF-8 bytes, 16 to a line."""
    data = text.encode()
    lines = []
    for offset in range(0, len(data), 16):
        chunk = data[offset : offset + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        lines.append(f"{offset:08x}  {chunk.hex(' '):<47}  |{shown}|")
    return lines
