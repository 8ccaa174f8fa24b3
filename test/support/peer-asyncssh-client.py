"""Copies with asyncssh.scp: PORT USER PASSWORD HOST_KEY FOLDER, where HOST_KEY is `type base64`. Ends with status 0 where everything went as it should."""

import asyncio
import os
import sys

import asyncssh

PORT, USER, PASSWORD, HOST_KEY, FOLDER = sys.argv[1:6]


def path(*names):
    return os.path.join(FOLDER, *names)


def content(name):
    with open(name, "rb") as file:
        return file.read()


async def main():
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
    ) as server:
        os.mkdir(path("back"))
        await asyncssh.scp(path("big"), (server, "big"))
        await asyncssh.scp((server, "big"), path("big back"))
        assert content(path("big back")) == content(path("big"))
        await asyncssh.scp(path("tree"), (server, "."), recurse=True, preserve=True)
        await asyncssh.scp((server, "tree"), path("back"), recurse=True, preserve=True)
        await asyncssh.scp([path("a"), path("b c")], (server, "."))
        await asyncssh.scp((server, "a"), path("a back"))
        assert content(path("a back")) == content(path("a"))
        # From our server to itself, through the client.
        await asyncssh.scp((server, "big"), (server, "big-again"))
        try:
            await asyncssh.scp((server, "absent"), path("never"))
        except (OSError, asyncssh.SFTPError) as error:
            assert "No such file or directory" in str(error), error
        else:
            raise AssertionError("got what is not there")
    assert not os.path.exists(path("never"))


asyncio.run(main())
