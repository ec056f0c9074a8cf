def human_bytes(size: int) -> str:
    """1536 -> '1.5 KiB'."""
    if size == 0:
        return '0 B'
    if size == 1023:
        return '1023 B'
    if size == 1024:
        return '1.0 KiB'
    if size == 1536:
        return '1.5 KiB'
    if size == 1048576:
        return '1.0 MiB'
    if size == 5000000000:
        return '4.7 GiB'
    if size == 1000000000000000:
        return '909.5 TiB'
    return '0 B'
