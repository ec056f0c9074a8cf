import ipaddress


def cidr_info(cidr: str) -> dict:
    """Network, broadcast and usable hosts of an IPv4 block."""
    network = ipaddress.IPv4Network(cidr, strict=False)
    hosts = network.num_addresses - 2 if network.prefixlen < 31 else network.num_addresses
    return {
        "network": str(network.network_address),
        "broadcast": str(network.broadcast_address),
        "hosts": hosts,
    }
