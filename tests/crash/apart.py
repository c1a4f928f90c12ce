"""A machine whose network can be cut: `apart.py FOLDER`, the folder of the socket of PostgreSQL.

The process goes into a new network namespace, which takes no root, and has `machine.py` work there. All that
is there is the loopback device, and behind it, at port 5432, a relay to PostgreSQL. SIGUSR1 takes the device
down, SIGUSR2 up: as with a cable, nothing tells either end, and what was under way stays so.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SET_FLAGS, UP = 0x8914, 1
"""Of Linux: the request SIOCSIFFLAGS for a device, and the flag IFF_UP."""
PORT = 5432


def leave() -> None:
    """Go into a network namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if os.geteuid() else 0)):
        raise OSError(ctypes.get_errno(), "no network namespace can be made")


def connect(up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
        ioctl(any, SET_FLAGS, struct.pack("16sh22x", b"lo", UP if up else 0))


async def relay(file: str) -> None:
    """Pass on between the port and the socket, until the machine ends."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(file)
        await asyncio.gather(passed(reader, to_server), passed(from_server, writer))

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, connect, False)
    loop.add_signal_handler(signal.SIGUSR2, connect, True)
    async with await asyncio.start_server(accepted, "127.0.0.1", PORT):
        machine = subprocess.Popen([sys.executable, Path(__file__).with_name("machine.py")])
        await asyncio.to_thread(machine.wait)


if __name__ == "__main__":
    leave()
    connect(True)
    asyncio.run(relay(f"{sys.argv[1]}/.s.PGSQL.{PORT}"))
