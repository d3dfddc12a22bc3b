"""The benchmark: Postern, nginx and HAProxy side by side, in one interleaved run. See scripts/bench."""
import argparse
import json
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / 'integration'))
import report  # noqa: E402
import tokens  # noqa: E402
from processes import (LOAD_CORE, PROXY_CORE, BenchError, Proxy, end, free_port, result_of, start_backend,
                       start_load)
from proxies import BUILD, PROXIES, ROOT, Site, earlier_postern, find_program

HTTP, ECHO, IDLE = {'mode': 'http', 'connections': 64}, {'mode': 'echo', 'connections': 100}, {'mode': 'idle'}
KINDS = {
    'small': {**HTTP},
    'browser': {**HTTP, 'browser': 1},
    'json10k': {**HTTP, 'browser': 1, 'path': '/j', 'body': 10240},
    # A request that a kept answer of an authentication server lets pass, in relation to one without forward_auth.
    'auth': {**HTTP, 'browser': 1, 'path': '/auth', 'beside': '/s'},
    # A request with one RS256 token, and with one that the gateway has not seen for thousands of others, in relation to
    # one without a token on a route that asks for none.
    'jwt': {**HTTP, 'browser': 1, 'path': '/jwt', 'tokens': 1, 'beside': '/s'},
    'jwt-new': {**HTTP, 'browser': 1, 'path': '/jwt', 'tokens': 8192, 'beside': '/s'},
    'ws64': {**ECHO, 'size': 64},
    'ws64k': {**ECHO, 'size': 65536},
    # The same for Postern with rules for headers, and for what stands in messages; see proxies.py.
    'ws64-walk': {**ECHO, 'size': 64, 'path': '/ws/walk'},
    'ws64-rules': {**ECHO, 'size': 64, 'path': '/ws/rules', 'json': 1},
    'idle': {**IDLE, 'size': 1024},
    'idle-rules': {**IDLE, 'size': 1024, 'path': '/ws/rules', 'json': 1},
}
SCENARIOS = {f'{prefix}{name}': {**load, 'tls': tls}
             for tls, prefix in enumerate(('', 'tls-')) for name, load in KINDS.items()}
UNITS = {'http': 'CPU us per request', 'echo': 'CPU us per message', 'idle': 'resident bytes per connection'}
TOOLS = ROOT / 'build' / 'bench'
IDLE_ROUNDS = 2     # memory hardly varies, and each round takes a fresh process and some eight seconds
SETTLING_SECONDS = 2


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog='scripts/bench', description=__doc__,
        epilog='--require small=0.90: at most 0.90 of what nginx takes; idle=4600B: an absolute figure; '
               'jwt-new=25us: so much more than what it is measured beside.')
    parser.add_argument('--rounds', type=int, default=5,
                        help=f'rounds per scenario (default: %(default)s; idle: at most {IDLE_ROUNDS})')
    parser.add_argument('--seconds', type=float, default=1.5, help='length of one measured window')
    parser.add_argument('--scenarios', help=f'default: the required ones, or {",".join(SCENARIOS)}')
    parser.add_argument('--proxies', default=','.join(PROXIES), help='default: %(default)s')
    parser.add_argument('--subject', default='postern', choices=PROXIES, help='whom --require is about')
    parser.add_argument('--before', metavar='BINARY',
                        help='the postern of an earlier tree: it runs as "before", and ratios are to it')
    parser.add_argument('--connections', type=int, default=5000,
                        help='idle WebSockets (default: %(default)s)')
    parser.add_argument('--require', default='', metavar='NAME=LIMIT,...',
                        help='status 1 when one is exceeded')
    parser.add_argument('--json', metavar='FILE', help='write all results there')
    parser.add_argument('--no-build', action='store_true', help='use the binaries as they are')
    options = parser.parse_args()
    options.proxies = options.proxies.split(',')
    options.reference = 'nginx'
    if options.before:
        options.reference = 'before'
        options.proxies.append('before')
        PROXIES['before'] = earlier_postern(options.before)
    try:
        options.require = report.parse_limits(options.require)
    except ValueError as error:
        parser.error(str(error))
    options.scenarios = (options.scenarios.split(',') if options.scenarios
                         else list(options.require or SCENARIOS))
    for name in [*options.scenarios, *options.require]:
        if name not in SCENARIOS:
            parser.error(f'no scenario {name}; there are {", ".join(SCENARIOS)}')
    for name in options.proxies:
        if name not in PROXIES:
            parser.error(f'no proxy {name}; there are {", ".join(PROXIES)}')
    if min(options.rounds, options.seconds, options.connections) <= 0:
        parser.error('rounds, seconds and connections are positive')
    return options


def prepare(options):
    """Checks and builds what the run needs, or ends with a sentence that says what is missing."""
    packages = {'openssl': 'openssl', 'taskset': 'util-linux', 'setpriv': 'util-linux'}
    packages |= {name: name for name in ('nginx', 'haproxy') if name in options.proxies}
    packages |= {} if options.no_build else {'cmake': 'cmake', 'ninja': 'ninja-build', 'c++': 'g++'}
    missing = {package for program, package in packages.items() if not find_program(program)}
    if missing:
        sys.exit(f'bench: not installed; as root: apt-get install {" ".join(sorted(missing))}')
    if LOAD_CORE is None:
        sys.exit('bench: needs two processors, one for the proxy and one for load and backend')
    if not options.no_build:
        build(TOOLS, ['-S', 'tests/bench', '-B', TOOLS, '-G', 'Ninja'], ['bench_load', 'bench_backend'])
        if 'postern' in options.proxies:
            build(BUILD, ['--preset', 'release'], ['postern'])
    needed = 2 * (options.connections + 1000) + 300
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
        except (ValueError, OSError):
            sys.exit(f'bench: needs {needed} open files, the limit is {hard}; lower --connections')
    elif soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def build(folder, configuration, targets):
    commands = [['cmake', '--build', folder, '--target', *targets]]
    if not (folder / 'build.ninja').is_file():
        commands.insert(0, ['cmake', *configuration])
    print(f'building {", ".join(targets)}', file=sys.stderr)
    for command in commands:
        outcome = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True)
        if outcome.returncode != 0:
            # Going on would measure what an earlier build left behind.
            sys.exit(f'bench: {" ".join(map(str, command))} failed:\n{outcome.stdout[-3000:]}')


def make_certificate(folder):
    certificate, key, bundle = (folder / name for name in ('certificate.pem', 'key.pem', 'bundle.pem'))
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                    '-nodes', '-days', '2', '-subj', '/CN=bench.local',
                    '-addext', 'subjectAltName=DNS:bench.local',
                    '-keyout', key, '-out', certificate], check=True, stderr=subprocess.DEVNULL)
    bundle.write_text(certificate.read_text() + key.read_text())
    bundle.chmod(0o600)
    return certificate, key, bundle


class Keys:
    """An RSA key, and tokens that it has signed. Cached tokens are 4096; more than twice as many are always new."""

    def __init__(self, folder):
        self.folder, self.key = folder, tokens.new_key('RS256')
        self.public = folder / 'keys.json'
        self.public.write_text(json.dumps({'keys': [tokens.jwk(self.key, 'bench', 'RS256')]}))

    def tokens(self, count):
        """The file of so many tokens; it is written once."""
        file = self.folder / f'tokens-{count}'
        if not file.is_file():
            print(f'signing {count} tokens', file=sys.stderr)
            lines = [tokens.token('RS256', self.key, tokens.claims(
                sub=f'user-{number}', email=f'user-{number}@example.com', exp=int(time.time()) + 3600), kid='bench')
                for number in range(count)]
            file.write_text('\n'.join(lines) + '\n')
        return file


class Run:
    def __init__(self, options, folder, backend_port):
        self.options, self.folder, self.backend_port = options, folder, backend_port
        self.certificate, self.key, self.bundle = make_certificate(folder)
        self.keys = Keys(folder)

    def proxy(self, name):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        site = Site(folder, free_port(), free_port(), self.backend_port, self.certificate, self.key,
                    self.bundle, self.keys.public, self.options.connections + 1000)
        return Proxy(name, PROXIES[name](site), [site.plain_port, site.tls_port], folder)

    def scenario(self, name):
        """{proxy: {'rounds': [figures], 'errors': [texts]}}"""
        results = {proxy: {'rounds': [], 'errors': []} for proxy in self.options.proxies}
        load = SCENARIOS[name]
        measure = self.idle_rounds if load['mode'] == 'idle' else self.busy_rounds
        measure(load, results)
        return results

    @staticmethod
    def rotated(proxies, turn):
        turn %= max(len(proxies), 1)
        return proxies[turn:] + proxies[:turn]

    def busy_rounds(self, load, results):
        with ExitStack() as stack:
            running = []
            for name in self.options.proxies:
                proxy = self.proxy(name)
                stack.callback(proxy.stop)
                if self.attempt(proxy.start, results[name]):
                    running.append(proxy)
            for turn in range(self.options.rounds):
                for proxy in self.rotated(running, turn):
                    self.attempt(lambda: self.busy(proxy, load), results[proxy.name], turn)

    def idle_rounds(self, load, results):
        for turn in range(min(self.options.rounds, IDLE_ROUNDS)):
            for name in self.rotated(self.options.proxies, turn):
                proxy = self.proxy(name)  # a fresh one, whose heap has no room left over from the last round
                try:
                    self.attempt(lambda: self.idle(proxy, load), results[name], turn)
                finally:
                    proxy.stop()

    @staticmethod
    def attempt(action, result, turn=None):
        """Runs the action and files its figures, or its failure, under the proxy's results."""
        try:
            figures = action()
            if figures:
                result['rounds'].append({'round': turn, **figures})
            return True
        except (BenchError, OSError, ValueError) as error:
            result['errors'].append(str(error))
            return False

    def busy(self, proxy, load):
        """The figures of the load; with `beside`, also what the same costs on that path, for a ratio within the proxy."""
        own = {key: value for key, value in load.items() if key != 'beside'}
        figures = self.measure(proxy, own)
        if 'beside' in load:
            other = {key: value for key, value in own.items() if key != 'tokens'}
            figures['beside'] = self.measure(proxy, {**other, 'path': load['beside']})['figure']
        return figures

    def measure(self, proxy, load):
        pids = proxy.pids()
        if 'tokens' in load:
            load = {**load, 'tokens': self.keys.tokens(load['tokens'])}
        process = start_load(TOOLS / 'bench_load', **load, port=proxy.ports[load['tls']],
                             seconds=self.options.seconds, pids=','.join(map(str, pids)))
        try:
            output, _ = process.communicate(timeout=self.options.seconds + 90)
        except subprocess.TimeoutExpired:
            raise BenchError('the load generator did not end in time')
        finally:
            end(process)
        measured = result_of(output.strip())
        operations, seconds, used = (measured[key] for key in ('operations', 'seconds', 'processor_ns'))
        operations *= 2 if load['mode'] == 'echo' else 1  # an echo is two messages through the proxy
        if not operations:
            raise BenchError('no operation was finished')
        utilisation = used / 1e9 / seconds
        if utilisation < 0.01 or not proxy.is_listening():
            raise BenchError('the proxy under test is not the one that answered')
        return {'figure': used / 1e3 / operations, 'rate': operations / seconds, 'utilisation': utilisation,
                'p50_us': measured['p50_us'], 'p99_us': measured['p99_us']}

    def idle(self, proxy, load):
        proxy.start()
        # A few connections first, so that only what grows with connections is counted.
        with Population(proxy, load, 50):
            pass
        time.sleep(1)
        before = proxy.resident_bytes()
        with Population(proxy, load, self.options.connections) as population:
            time.sleep(SETTLING_SECONDS)
            after = proxy.resident_bytes()
            if not proxy.is_listening():
                raise BenchError('the proxy under test is not the one that answered')
            population.release()
        return {'figure': (after - before) / self.options.connections, 'empty_bytes': before,
                'full_bytes': after}


class Population:
    """Idle WebSockets, open and echoed once when the block is entered, closed when it is left."""

    def __init__(self, proxy, load, connections):
        self.process = start_load(TOOLS / 'bench_load', **load, port=proxy.ports[load['tls']],
                                  connections=connections)

    def __enter__(self):
        try:
            result_of(self.process.stdout.readline())
        except BaseException:
            end(self.process)
            raise
        return self

    def release(self):
        """Raises BenchError when a connection was lost while idle."""
        output, _ = self.process.communicate(timeout=30)
        result_of(output.strip())

    def __exit__(self, *_):
        end(self.process)


def interrupted(*_):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not stop the cleaning up
    raise KeyboardInterrupt


def main():
    options = parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    prepare(options)
    results = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='postern-bench-')))
        try:
            backend, port = start_backend(TOOLS / 'bench_backend')
        except (BenchError, OSError) as error:
            sys.exit(f'bench: {error}')
        stack.callback(end, backend)
        run = Run(options, folder, port)
        print(f'{platform.machine()}, Linux {platform.release()}: proxy on core {PROXY_CORE}, load and '
              f'backend on core {LOAD_CORE}, rounds of {options.seconds:g} s, at most {options.rounds}')
        for name in options.scenarios:
            beside = SCENARIOS[name].get('beside')
            results[name] = report.summarise(run.scenario(name), options.subject, options.reference)
            report.print_table(name, UNITS[SCENARIOS[name]['mode']], results[name],
                               f'own {beside}' if beside else options.reference)
    if options.json:
        document = {'options': vars(options), 'scenarios': results}
        Path(options.json).write_text(json.dumps(document, indent=1) + '\n')
    has_errors = any(row['errors'] for rows in results.values() for row in rows.values())
    is_within = report.print_limits(options.require, results, options.subject, options.reference)
    return 0 if is_within and not has_errors else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit('bench: interrupted; everything it started has been ended')
