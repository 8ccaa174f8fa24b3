"""Copies with python3-scp over paramiko: PORT USER PASSWORD HOST_KEY FOLDER, where HOST_KEY is `type base64`. Ends with status 0 where everything went as it should."""

import base64
import io
import os
import sys

import paramiko
import scp

PORT, USER, PASSWORD, HOST_KEY, FOLDER = sys.argv[1:6]


def path(*names):
    return os.path.join(FOLDER, *names)


def content(name):
    with open(name, "rb") as file:
        return file.read()


def connect():
    client = paramiko.SSHClient()
    kind, data = HOST_KEY.split()
    key = paramiko.Ed25519Key(data=base64.b64decode(data))
    client.get_host_keys().add("[127.0.0.1]:" + PORT, kind, key)
    client.connect("127.0.0.1", int(PORT), USER, PASSWORD, look_for_keys=False, allow_agent=False, timeout=20)
    return client


def main():
    ssh = connect()
    seen = {}

    def progress(name, size, sent):
        seen[name] = (size, sent)

    def client():
        return scp.SCPClient(ssh.get_transport(), socket_timeout=30, progress=progress)

    with client() as copy:
        copy.put(path("big"), "big")
        assert seen[b"big"][0] == seen[b"big"][1] == os.path.getsize(path("big")), seen
        copy.get("big", path("big back"))
    assert content(path("big back")) == content(path("big"))

    # Several sources, a tree, times: one channel for each call.
    with client() as copy:
        os.mkdir(path("back"))
        copy.put(path("tree"), "tree", recursive=True, preserve_times=True)
        copy.get("tree", path("back"), recursive=True, preserve_times=True)
        copy.put([path("a"), path("b c")], remote_path=".")
        copy.get("b c", path("b c back"))
        copy.putfo(io.BytesIO(b""), "empty")
        copy.putfo(io.BytesIO(b"from memory"), "memory", mode="0600")
        copy.get("memory", path("memory back"))
    assert content(path("b c back")) == content(path("b c"))
    assert content(path("memory back")) == b"from memory"

    for missing in ("absent", "../absent"):
        try:
            with client() as copy:
                copy.get(missing, path("never"))
        except scp.SCPException as error:
            assert "No such file or directory" in str(error), error
        else:
            raise AssertionError("got what is not there")
    assert not os.path.exists(path("never"))
    ssh.close()


main()
