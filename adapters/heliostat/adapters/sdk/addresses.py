"""Which addresses a name may lead to, checked between looking it up and connecting: the connection is made to the very
address that was checked.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from heliostat.adapters.sdk.transport import AddressRefused
from heliostat.chassis.modules import Lookup

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What is handed out to networks (so the registry of IPv6 addresses, from memory); all else is special or nobody's.
_HANDED_OUT = ipaddress.IPv6Network("2000::/3")
# Public by their numbers, and inside all the same: clouds answer there with the credentials of the machine
# (192.0.0.192 at Oracle, 168.63.129.16 at Azure; from memory, not checked against their documents), or nobody does.
_INSIDE = tuple(
    ipaddress.ip_network(each) for each in ("192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24", "3fff::/20")
)
_LOOKUP_THREADS = 8
# Last labels of names that are meant to be private (RFC 2606, 6761, 6762, 8375, and what networks use at home).
_PRIVATE_ENDINGS = frozenset(
    {"arpa", "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localhost"}
    | {"private", "test"}
)


class Resolver(AbstractResolver):
    """Looks names up and gives only addresses that may be connected to.

    The system's lookups hold a thread each for as long as a name server likes; they have few of their own, so that
    slow names hold up nothing but other names of the same resolver.
    """

    def __init__(self, allowed: Callable[[str], bool], lookup: Lookup | None = None) -> None:
        """`allowed` judges an address; `lookup` finds those of a name, the system does where absent."""
        self._allowed = allowed
        self._lookup = lookup or self._system_lookup
        self._threads: ThreadPoolExecutor | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of `host`. Raises AddressRefused where there are others only, OSError where none."""
        results = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._lookup(host, family)
            if self._allowed(address)
        ]
        if not results:
            raise AddressRefused(None, "no public address")
        return results

    async def close(self) -> None:
        """Lets the threads go; nobody waits for a lookup that is under way."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _system_lookup(self, host: str, family: int) -> list[str]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
        ask = partial(socket.getaddrinfo, host, 0, family=family, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [str(address[0]) for *_, address in found]


def is_allowed(text: str, *, loopback: bool) -> bool:
    """Whether an address is a public one, or this machine's where `loopback` says so. Pure."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = _inner_address(address)
    if address.is_loopback:
        return loopback
    if isinstance(address, ipaddress.IPv6Address) and address not in _HANDED_OUT:
        return False
    # A range of the other version holds no address: the comparison is false, not an error.
    return address.is_global and not address.is_multicast and not any(address in each for each in _INSIDE)


def is_public_name(host: str) -> bool:
    """Whether a host is a name of the public internet: with a dot, no address, and not of an ending that is private by
    custom. Pure.
    """
    name = host.rstrip(".").lower()
    last = name.rpartition(".")[2]
    if "." not in name or ":" in name or last.isdigit():
        return False
    return last not in _PRIVATE_ENDINGS


def _inner_address(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4 or NAT64; else the address itself."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
