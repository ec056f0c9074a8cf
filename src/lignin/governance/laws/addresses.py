"""Which addresses a request may go to: only those of the public internet, each named positively.

What carries another address inside (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is refused as
a whole: where it ends is not for us to see. Source: the IANA special-purpose address registries.
"""

import ipaddress

_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # public by number, the host's own service on one cloud
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
_OWN = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)


def why_refused(text: str) -> str:
    """Return why an address may not be connected to, or nothing where it may."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "is no address"
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address not in _PUBLIC_V6:
            return "is not of the public internet"
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            return "carries another address"
    if any(address.version == net.version and address in net for net in _REFUSED):
        return "is not of the public internet"
    return ""


def why_refused_inward(text: str) -> str:
    """As `why_refused` for what may lead inward: this machine and private networks are let through.

    Link-local addresses are not: the services of clouds that hand out credentials are there.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "is no address"
    if any(address.version == net.version and address in net for net in _OWN):
        return ""
    return why_refused(text)


def why_not_here(text: str) -> str:
    """Return why an address is not of this machine, or nothing where it is: for what is not encrypted."""
    try:
        is_here = ipaddress.ip_address(text).is_loopback
    except ValueError:
        return "is no address"
    return "" if is_here else "is not of this machine, and nothing is encrypted"
