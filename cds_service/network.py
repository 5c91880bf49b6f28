"""Where a host leads, and connections that lead nowhere but to the public network.

The names of servers come from others. What a name resolves to is checked before anything is
asked, and the address that was connected to once more: a name can change in between.
"""

import ipaddress
import socket
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: IPv6 addresses that a gateway turns into the IPv4 address in their last four bytes.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddressError(ValueError):
    """A name of the public network led to this machine or into a private network."""


def is_literal(host: str) -> bool:
    """Return whether a host is an IP address."""
    return _literal(host) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host name or literal means this machine."""
    name = host.lower().rstrip(".")
    address = _literal(host)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def is_internal(host: str) -> bool:
    """Return whether a host lies in a private or link-local network, or is this machine."""
    if is_loopback(host):
        return True
    try:
        found = {str(item[4][0]) for item in socket.getaddrinfo(host, None)}
    except OSError:
        return False  # nobody will answer there either
    except UnicodeError:
        return True
    return not all(map(_is_public, found))


def _is_public(address: str) -> bool:
    found = _literal(address.partition("%")[0])
    return found is not None and found.is_global and not found.is_multicast


def _literal(host: str) -> _Address | None:
    """Return the address that is written, or the IPv4 address that is meant by it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


class _Checked(HTTPConnection):
    """A connection over which nothing is sent, TLS included, before its other end is checked."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        if not _is_public(str(connected.getpeername()[0])):
            connected.close()
            raise PrivateAddressError("the name of a server leads to a private address")
        return connected


class _CheckedTls(_Checked, HTTPSConnection):
    """The same, with TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _CheckedTls


class PublicAdapter(HTTPAdapter):
    """Connects to public addresses alone; else sending raises :class:`PrivateAddressError`."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as given
        """Make the pools of connections."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
