"""A plain HTTP server: says how often it was asked, and since when it runs."""
import os
import threading
import time
import uuid

from answering import serve

born = {'token': str(uuid.uuid4()), 'pid': os.getpid()}
asked = 0
ticks = 0


def tick():
    global ticks
    while True:
        time.sleep(0.02)
        ticks += 1


def ask():
    global asked
    asked += 1
    return {'asked': asked, 'ticks': ticks}


threading.Thread(target=tick, daemon=True).start()
serve({'/state': lambda: born, '/ask': ask, '/ticks': lambda: {'asked': asked, 'ticks': ticks}})
