"""An SSH server with SFTP, written with paramiko: PORT HOST_KEY PUBLIC_KEY. Its files are those of this machine."""

import base64
import os
import socket
import sys
import threading

import paramiko

PORT, HOST_KEY, PUBLIC_KEY = sys.argv[1:4]

with open(PUBLIC_KEY, encoding="ascii") as file:
    ALLOWED = base64.b64decode(file.read().split()[1])


class Login(paramiko.ServerInterface):
    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key.asbytes() == ALLOWED else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


def status_of(error):
    return paramiko.SFTPServer.convert_errno(error.errno)


class Handle(paramiko.SFTPHandle):
    def stat(self):
        try:
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))
        except OSError as error:
            return status_of(error)

    def chattr(self, attr):
        try:
            set_attributes(self.readfile.fileno(), attr)
            return paramiko.SFTP_OK
        except OSError as error:
            return status_of(error)


def set_attributes(file, attr):
    """SFTPServer.set_file_attr of the library closes and truncates in an odd order; this does what the standard says."""
    if attr._flags & attr.FLAG_SIZE:
        os.truncate(file, attr.st_size)
    if attr._flags & attr.FLAG_UIDGID:
        os.chown(file, attr.st_uid, attr.st_gid)
    if attr._flags & attr.FLAG_PERMISSIONS:
        os.chmod(file, attr.st_mode & 0o7777)
    if attr._flags & attr.FLAG_AMTIME:
        os.utime(file, (attr.st_atime, attr.st_mtime))


def answering(method):
    """An OSError becomes its status."""

    def wrapped(*args):
        try:
            result = method(*args)
            return paramiko.SFTP_OK if result is None else result
        except OSError as error:
            return status_of(error)

    return wrapped


class Files(paramiko.SFTPServerInterface):
    @answering
    def list_folder(self, path):
        entries = []
        for name in os.listdir(path):
            entry = paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(path, name)))
            entry.filename = name
            entries.append(entry)
        return entries

    @answering
    def stat(self, path):
        return paramiko.SFTPAttributes.from_stat(os.stat(path))

    @answering
    def lstat(self, path):
        return paramiko.SFTPAttributes.from_stat(os.lstat(path))

    @answering
    def open(self, path, flags, attr):
        mode = attr.st_mode if attr._flags & attr.FLAG_PERMISSIONS else 0o666
        number = os.open(path, flags | os.O_CLOEXEC, mode & 0o7777)
        writes = flags & (os.O_WRONLY | os.O_RDWR)
        file = os.fdopen(number, ("r+b" if flags & os.O_RDWR else "wb") if writes else "rb")
        handle = Handle(flags)
        handle.filename = path
        handle.readfile = file
        handle.writefile = file
        return handle

    @answering
    def remove(self, path):
        os.remove(path)

    @answering
    def rename(self, oldpath, newpath):
        if os.path.lexists(newpath):
            return paramiko.SFTP_FAILURE
        os.rename(oldpath, newpath)

    @answering
    def posix_rename(self, oldpath, newpath):
        os.rename(oldpath, newpath)

    @answering
    def mkdir(self, path, attr):
        os.mkdir(path, attr.st_mode & 0o7777 if attr._flags & attr.FLAG_PERMISSIONS else 0o777)

    @answering
    def rmdir(self, path):
        os.rmdir(path)

    @answering
    def chattr(self, path, attr):
        set_attributes(path, attr)

    @answering
    def readlink(self, path):
        return os.readlink(path)

    @answering
    def symlink(self, target_path, path):
        os.symlink(target_path, path)

    def canonicalize(self, path):
        return os.path.realpath(path)


def serve(connection):
    transport = paramiko.Transport(connection)
    transport.add_server_key(paramiko.Ed25519Key(filename=HOST_KEY))
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    try:
        transport.start_server(server=Login())
    except (paramiko.SSHException, EOFError, OSError) as error:
        print(error, file=sys.stderr, flush=True)


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(PORT)))
    listener.listen(50)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
