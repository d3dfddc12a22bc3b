"""Starting, watching and ending processes: only such as this run started itself."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

PROXY_CORE, LOAD_CORE = (sorted(os.sched_getaffinity(0)) + [None, None])[:2]


class BenchError(Exception):
    """One measurement failed; the text becomes an error row."""


def pinned(core, command):
    # The kernel ends the child when this script dies, even by SIGKILL.
    return ['taskset', '-c', str(core), 'setpriv', '--pdeathsig', 'TERM', '--', *command]


def own_tree(pid):
    """The process and all its descendants."""
    tree = [pid]
    for children in Path(f'/proc/{pid}/task').glob('*/children'):
        for child in children.read_text().split():
            tree += own_tree(int(child))
    return tree


def listens(pids, port):
    """Whether one of these processes itself holds the listener on 127.0.0.1:port."""
    inodes = set()
    for line in Path('/proc/net/tcp').read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f'0100007F:{port:04X}' and fields[3] == '0A':
            inodes.add(f'socket:[{fields[9]}]')
    for pid in pids:
        for descriptor in Path(f'/proc/{pid}/fd').iterdir():
            try:
                if os.readlink(descriptor) in inodes:
                    return True
            except FileNotFoundError:
                pass
    return False


def free_port():
    """A free port below the range the kernel hands out to clients, which would take it back at any time."""
    lowest_ephemeral = int(Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    for _ in range(200):
        port = random.randrange(10240, max(lowest_ephemeral, 10340))
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise BenchError('no free port')


class Proxy:
    """One proxy process (with its children) on PROXY_CORE. start() may raise; stop() is always allowed."""

    def __init__(self, name, command, ports, folder):
        self.name, self.command, self.ports = name, command, ports
        self.log = folder / f'{name}.log'
        self.process = None

    def start(self):
        if not self.command[0] or not os.access(self.command[0], os.X_OK):
            raise BenchError(f'{self.name} is not there: {self.command[0] or "not installed"}')
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(pinned(PROXY_CORE, self.command), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise BenchError(f'did not start (status {self.process.returncode}): {self.last_output()}')
            if self.is_listening():
                time.sleep(0.3)  # let it finish starting before anything is measured
                return
            time.sleep(0.05)
        raise BenchError(f'does not listen on its ports {self.ports}: {self.last_output()}')

    def pids(self):
        if self.process.poll() is not None:
            raise BenchError(f'died (status {self.process.returncode}): {self.last_output()}')
        return own_tree(self.process.pid)

    def is_listening(self):
        pids = self.pids()
        return all(listens(pids, port) for port in self.ports)

    def last_output(self):
        lines = [line for line in self.log.read_text(errors='replace').splitlines() if line.strip()]
        return ' | '.join(lines[-3:])[:400] or '(no output)'

    def resident_bytes(self):
        total = 0
        for pid in self.pids():
            rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
            total += int(re.search(r'^Rss:\s+(\d+) kB', rollup, re.MULTILINE).group(1)) * 1024
        return total

    def stop(self):
        if self.process:
            end(self.process)
            self.process = None


def end(process):
    """SIGTERM, and after four seconds SIGKILL to the process and what it started (its own group)."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(4)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def start_backend(binary):
    """The backend process and the port it chose."""
    process = subprocess.Popen(pinned(LOAD_CORE, [binary]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               text=True, start_new_session=True)
    line = process.stdout.readline()
    if not line.startswith('port '):
        end(process)
        raise BenchError('the backend did not start')
    return process, int(line.split()[1])


def start_load(binary, **arguments):
    words = [f'{key}={value}' for key, value in arguments.items()]
    return subprocess.Popen(pinned(LOAD_CORE, [binary, *words]), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, start_new_session=True)


def result_of(line):
    """The load generator's JSON line. Raises BenchError for an error or when there is none."""
    if not line:
        raise BenchError('the load generator died')
    result = json.loads(line)
    if 'error' in result:
        raise BenchError(result['error'])
    return result
