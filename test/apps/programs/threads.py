"""Fifty threads that all count, wait for each other and hold memory of their own."""
import os
import threading
import time

from answering import serve

COUNT = 50
counts = [0] * COUNT
mine = threading.local()
seen = [None] * COUNT
lock = threading.Lock()
together = threading.Barrier(COUNT)


def work(number):
    mine.token = os.urandom(8).hex()
    while True:
        with lock:
            counts[number] += 1
        seen[number] = mine.token
        together.wait()  # nobody is ever more than one round ahead
        time.sleep(0.005)


for number in range(COUNT):
    threading.Thread(target=work, args=(number,), daemon=True).start()


def state():
    return {'threads': len(os.listdir('/proc/self/task')), 'tokens': list(seen)}


serve({'/state': state, '/counts': lambda: list(counts)})
