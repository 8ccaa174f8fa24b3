"""Works with paramiko's SFTP client: PORT USER PASSWORD HOST_KEY FOLDER, where HOST_KEY is `type base64`. Ends with status 0 where everything went as it should."""

import base64
import os
import stat
import sys

import paramiko

PORT, USER, PASSWORD, HOST_KEY, FOLDER = sys.argv[1:6]
big = os.urandom(3_000_001)

transport = paramiko.Transport(("127.0.0.1", int(PORT)))
transport.connect(
    hostkey=paramiko.Ed25519Key(data=base64.b64decode(HOST_KEY.split()[1])), username=USER, password=PASSWORD
)
sftp = paramiko.SFTPClient.from_transport(transport)
sftp.mkdir("p")
sftp.chdir("p")
with sftp.open("big", "wb") as file:
    file.set_pipelined(True)
    file.write(big)
    assert sftp.stat("big").st_size <= len(big)
with sftp.open("big", "rb") as file:
    file.prefetch()
    assert file.read() == big
local = os.path.join(FOLDER, "big")
sftp.get("big", local)
with open(local, "rb") as file:
    assert file.read() == big
# put() looks at the size of what it has written under the name.
assert sftp.put(local, "again").st_size == len(big)
with sftp.open("again", "r+b") as file:
    file.seek(10)
    file.write(b"middle")
    file.seek(5)
    assert file.read(20) == big[5:10] + b"middle" + big[16:25]
with sftp.open("again", "ab") as file:
    file.write(b"end")
assert sftp.stat("again").st_size == len(big) + 3
sftp.truncate("again", 100)
with sftp.open("again", "rb") as file:
    assert file.read() == big[:10] + b"middle" + big[16:100]
    assert file.check("sha256")
sftp.chmod("again", 0o600)
sftp.utime("again", (1_000_000_000, 1_100_000_000))
found = sftp.lstat("again")
assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o600, 1_100_000_000), found
sftp.symlink("again", "link")
assert sftp.readlink("link") == "again"
assert sftp.normalize("link") == "/p/again"
sftp.posix_rename("again", "big")
assert sorted(sftp.listdir(".")) == ["big", "link"]
with sftp.open("new", "wxb") as file:
    file.write(b"x")
try:
    sftp.open("new", "wxb")
except OSError:
    pass
else:
    raise AssertionError("made what was there")
try:
    sftp.stat("absent")
except FileNotFoundError:
    pass
for name in ["big", "link", "new"]:
    sftp.remove(name)
sftp.chdir("/")
sftp.rmdir("p")
transport.close()
