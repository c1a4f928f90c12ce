"""The addresses rules may connect to: the public internet, and those listed in `http_allow`.

A ruleset is not trusted with the network that its engine stands in: databases, routers and the metadata of
clouds answer whoever can reach them. An address that holds an IPv4 address inside counts as that one. What is
judged is always the address that will be connected to, never the way in which a URL writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from picosched.errors import PicoschedError

Address = IPv4Address | IPv6Address

HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")

GLOBAL_V6 = IPv6Network("2000::/3")
TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as seen by IPv6-only networks (NAT64)."""
OF_HOSTERS = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))
"""Addresses that look public but belong to cloud-internal services."""
KINDS = ("loopback", "link-local", "multicast", "unspecified", "private", "reserved")


def inner(address: Address) -> Address:
    """The IPv4 address embedded in an IPv6 address, if there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def fault_of(address: Address) -> str | None:
    """Why an address is not public; None if it is."""
    for kind in KINDS:
        if getattr(address, f"is_{kind.replace('-', '_')}"):
            return kind
    if isinstance(address, IPv4Address):
        public = address.is_global and not any(address in network for network in OF_HOSTERS)
    else:
        public = address.is_global and address in GLOBAL_V6
    return None if public else "not public"


@dataclass(frozen=True, slots=True)
class Exemption:
    """One text of `http_allow`: a host name, an address or a network, all its ports or one."""

    name: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str, setting: str = "http_allow") -> Exemption:
        """PicoschedError `invalid` if the text is not valid."""
        whole = text.strip().lower()
        network = network_of(whole)
        if network is not None:
            return cls("", network, None)
        found = HOST_AND_PORT.fullmatch(whole)
        if found:
            name = found["v6"] or found["host"]
            network = network_of(name)
            port = int(found["port"]) if found["port"] else None
            if (network or (NAME.fullmatch(name) and not found["v6"])) and (port or 1) <= 65535:
                return cls("" if network else name, network, port)
        raise PicoschedError(
            f'{setting}: found "{text}", wanted a host, an address or a network, such as "localhost:8080", '
            '"127.0.0.1" or "10.0.0.0/8"'
        )

    def covers(self, host: str, port: int, address: Address) -> bool:
        if self.port not in (None, port):
            return False
        return host == self.name if self.network is None else address in self.network


def network_of(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


class Addresses:
    """Decides which addresses are allowed."""

    def __init__(self, allow: Iterable[str] = (), setting: str = "http_allow") -> None:
        """`setting` is the one that allows further addresses, for refusals."""
        self._exemptions = [Exemption.parse(text, setting) for text in allow]
        self._setting = setting

    def refusal(self, host: str, port: int, address: str) -> str | None:
        """Why a host's address may not be used at a port; None if it may."""
        found = inner(ip_address(address))
        if any(each.covers(host, port, found) for each in self._exemptions):
            return None
        fault = fault_of(found)
        if fault is None:
            return None
        where = host if host == address else f"{host} is at {address}, which"
        return f"{where} is {fault}, and not listed in {self._setting}"

    def refusal_of(self, host: str, port: int) -> str | None:
        """The refusal of a host as far as its name says, without asking a resolver."""
        if host == "localhost" or host.endswith(".localhost"):
            return self.refusal(host, port, "127.0.0.1")
        try:
            ip_address(host)
        except ValueError:
            return None
        return self.refusal(host, port, host)
