"""An SSH server with SFTP and SCP, written with asyncssh: PORT HOST_KEY PUBLIC_KEY [no-sftp]. Its files are those of this machine."""

import asyncio
import sys

import asyncssh

PORT, HOST_KEY, PUBLIC_KEY = sys.argv[1:4]
SFTP = "no-sftp" not in sys.argv[4:]


async def main():
    await asyncssh.listen(
        "127.0.0.1",
        int(PORT),
        server_host_keys=[HOST_KEY],
        authorized_client_keys=PUBLIC_KEY,
        sftp_factory=True,
        allow_scp=True,
    )
    await asyncio.Event().wait()


asyncio.run(main())
