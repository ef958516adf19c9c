"""Holds as many MiB as its argument says, no two pages alike, and tells their checksum."""
import os
import struct
import sys
import zlib

from answering import serve

MIB = 1 << 20
PAGE = 4096
size = int(sys.argv[1]) * MIB
memory = bytearray(size)
noise = os.urandom(MIB)
for start in range(0, size, MIB):
    memory[start : start + MIB] = noise
for page in range(0, size, PAGE):
    struct.pack_into('<Q', memory, page, page)
changes = 0


def checksum():
    return {'bytes': size, 'crc': zlib.crc32(memory)}


def change():
    """A new value in every page."""
    global changes
    changes += 1
    for page in range(8, size, PAGE):
        struct.pack_into('<Q', memory, page, changes)
    return {'changes': changes}


serve({'/state': checksum, '/change': change, '/ping': lambda: 'pong'})
