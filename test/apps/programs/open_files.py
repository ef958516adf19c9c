"""Open files of every kind on /data: appended, deleted, mapped, locked, renamed, a fifo; and some in /tmp and /dev/shm."""
import fcntl
import hashlib
import mmap
import os

from answering import serve


def fill(path, text):
    with open(path, 'wb') as file:
        file.write(text)


log = open('/data/log', 'ab', buffering=0)
log.write(b'first line\n')

deleted = open('/data/deleted', 'w+b', buffering=0)
deleted.write(b'only its descriptor knows this file ' * 50_000)
deleted.seek(17)
os.unlink('/data/deleted')

gone = open('/tmp/gone', 'w+b', buffering=0)
gone.write(b'deleted on a tmpfs')
os.unlink('/tmp/gone')

os.mkdir('/data/directory')
inside = open('/data/directory/file', 'w+b', buffering=0)
inside.write(b'deleted with its directory')
os.unlink('/data/directory/file')
os.rmdir('/data/directory')

renamed = open('/data/before', 'w+b', buffering=0)
renamed.write(b'renamed')
os.rename('/data/before', '/data/after')

fill('/data/mapped', b'\0' * 65536)
with open('/data/mapped', 'r+b') as file:
    mapped = mmap.mmap(file.fileno(), 0)

locked = open('/data/locked', 'w')
fcntl.flock(locked, fcntl.LOCK_EX)
region = open('/data/region', 'w+b', buffering=0)
region.write(b'x' * 100)
fcntl.lockf(region, fcntl.LOCK_EX, 10, 20)

os.mkfifo('/data/fifo')
fifo = os.open('/data/fifo', os.O_RDWR)
os.write(fifo, b'nobody has read this')

fill('/dev/shm/shared', b'shared memory')
fill('/tmp/kept', b'a file on a tmpfs')
os.chmod('/tmp/kept', 0o640)

rounds = 0


def whole(file):
    return hashlib.sha256(os.pread(file.fileno(), 1 << 24, 0)).hexdigest()


def text(path):
    with open(path, 'rb') as file:
        return file.read().decode()


def state():
    return {
        'log': text('/data/log'),
        'deleted': [whole(deleted), deleted.tell(), os.readlink(f'/proc/self/fd/{deleted.fileno()}')],
        'gone': [whole(gone), gone.tell()],
        'inside': [whole(inside), inside.tell()],
        'renamed': [renamed.tell(), text('/data/after')],
        'mapped': hashlib.sha256(mapped).hexdigest(),
        'shm': text('/dev/shm/shared'),
        'tmp': [text('/tmp/kept'), oct(os.stat('/tmp/kept').st_mode), os.stat('/tmp/kept').st_uid == os.getuid()],
        'files': sorted(os.listdir('/data')),
        'descriptors': sorted(os.listdir('/proc/self/fd'))[:12],
    }


def refused(path, lock, *args):
    """Whether another process cannot have the lock."""
    child = os.fork()
    if child == 0:
        try:
            lock(os.open(path, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, *args)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def work():
    """Uses each of them."""
    global rounds
    rounds += 1
    log.write(f'round {rounds}\n'.encode())
    deleted.write(b'!')
    mapped[rounds] = rounds
    mapped.flush()
    waiting = os.read(fifo, 100).decode()
    os.write(fifo, waiting.encode())
    return {
        'rounds': rounds,
        'fifo': waiting,
        'mapped': text('/data/mapped')[rounds] == chr(rounds),
        'flock': refused('/data/locked', fcntl.flock),
        'region': refused('/data/region', fcntl.lockf, 5, 25),
    }


serve({'/state': state, '/work': work})
