#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Mutates the sources of some rooms, one place at a time, and asks the tests whether they notice.

    tools/mutation.sh models            lib/ring, lib/device, lib/driver
    tools/mutation.sh oracle --sample 500

All mutations are compiled into one build, each behind a number; a test runs with VBLK_MUTATION=number. Which tests
reach a place is recorded first, so that only those are run. A mutation that no test fails on has survived; those that
change nothing that anybody could see are listed with their reasons in tools/mutation/equivalent.txt.
"""
import argparse
import concurrent.futures
import json
import math
import os
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import threading
import time

import sites as finder

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ROOMS = {'models': ('lib/ring', 'lib/device', 'lib/driver'), 'oracle': ('lib/oracle',)}
# Tests that say nothing about behaviour, or take long and say what others say.
NOT_RUN = re.compile(r'install|embed|doxygen|licence|headers|rooms|layout|example|real_|qemus_own|somebody_elses|coverage|'
                     r'monitor_in_between|traces_are_judged|wireshark|room_check')
# Tests that take longest and notice next to nothing that others don't; --thorough asks them, too.
SLOW = {'models': re.compile(r'served|^command_line|memory_taken_back|vectors_lint|trace_check_test|^judged_test|threads_test|'
                             r'mutants_test'),
        'oracle': re.compile(r'memory_taken_back|mutants_test')}
CONCURRENT = re.compile(r'served|memory_taken_back|vhost_user|threads')  # a failure might be the machine's: asked twice
NO_SOURCE = re.compile(r'_test\.c$|/fault|/(stage|watch|world)\.c$')  # wrong on purpose, or for tests only: proves nothing
LONGEST = 120.0  # seconds; a slower test is left out
DIFFERS = 2  # as in runtime.h
ALONE, TOGETHER = 30, 120  # files of vectors that are asked one by one, and how many of the others at once


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)


def must(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        sys.exit(f'{shlex.join(command)} failed:\n{done.stdout.decode(errors="replace")[-4000:]}')
    return done.stdout


def copy_tree(to):
    """The files that git knows, with the times of those that did not change kept, so that builds are quick."""
    for name in must(['git', 'ls-files', '-z'], cwd=ROOT).decode().split('\0'):
        if not name or not os.path.isfile(os.path.join(ROOT, name)):
            continue
        target = os.path.join(to, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), target)


def configure(source, build):
    env = dict(os.environ)
    runtime = os.path.join(build, 'runtime.o')
    os.makedirs(build, exist_ok=True)
    must(['cc', '-O1', '-fPIC', '-c', os.path.join(HERE, 'runtime.c'), '-o', runtime])
    # what a mutation leaves unwritten holds nonsense, the same each time
    flags = f'-O1 -w -fno-builtin -ftrivial-auto-var-init=pattern -include {os.path.join(HERE, "runtime.h")}'
    must(['cmake', '-S', source, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Debug', '-DVBLK_TESTS=ON', '-DVBLK_TOOLS=ON',
          f'-DCMAKE_C_FLAGS={flags}', f'-DCMAKE_EXE_LINKER_FLAGS={runtime}',
          f'-DCMAKE_SHARED_LINKER_FLAGS={runtime}', '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON'], env=env)
    with open(os.path.join(build, 'compile_commands.json')) as f:
        return {os.path.realpath(c['file']): c for c in json.load(f)}


def arguments(command):
    words = shlex.split(command['command'])[1:]
    keep, skip = [], False
    for w in words:
        if skip or w in ('-c',):
            skip = False
        elif w in ('-o', '-MF', '-MT', '-MQ'):
            skip = True
        elif w in ('-MD',) or w == command['file']:
            pass
        else:
            keep.append(w)
    return keep


def instrument(path, shown, command, number):
    """Put every mutation that compiles into the file. @return the mutations."""
    args = arguments(command)
    text, found = finder.find(path, [a for a in args if not a.startswith('-O')], shown)
    for n, s in enumerate(found):
        s.number = number + n
    while found:
        with open(path, 'wb') as f:
            f.write(finder.write(text, found))
        tried = run(['cc', *args, '-fsyntax-only', path], cwd=command['directory'])
        if tried.returncode == 0:
            return found
        wrong = {int(m.group(1)) for m in re.finditer(rb':(\d+):\d+: error:', tried.stdout)}
        left = [s for s in found if s.line not in wrong]
        if len(left) == len(found):
            sys.exit(f'{shown} does not compile:\n{tried.stdout.decode(errors="replace")[:2000]}')
        found = left
    with open(path, 'wb') as f:
        f.write(text)
    return found


def tests_of(build, left_out):
    rows = json.loads(must(['ctest', '--test-dir', build, '--show-only=json-v1']))['tests']
    tests = []
    for row in rows:
        if NOT_RUN.search(row['name']) or (left_out and left_out.search(row['name'])) or 'command' not in row:
            continue
        where = next((p['value'] for p in row['properties'] if p['name'] == 'WORKING_DIRECTORY'), build)
        tests += one_by_one({'name': row['name'], 'command': row['command'], 'cwd': where})
    return tests


def proofs(build, source):
    """What proves the judge: each model that is wrong, and each that is lawful and unusual, is a test."""
    command = [os.path.join(build, 'tools', 'vblk'), 'mutants']
    tests = []
    for kind in ([], ['--controls']):
        listed = must([*command, *kind, '--list']).decode()
        tests += [{'name': '-'.join(['mutants', *kind, name]), 'cwd': build,
                   'command': [*command, *kind, '--mutant', name, '--jobs', '1', '--vectors', os.path.join(source, 'vectors')]}
                  for name in re.findall(r'^([a-z]\S*[^\s:]) ', listed, re.M)]
    return tests


def one_by_one(test):
    """A test that plays all vectors is a test of each of their files: only those that reach a place need to run."""
    *command, top = test['command']
    if command[1:3] != ['vectors', 'run'] or not os.path.isdir(top):
        return [test]
    files = sorted(os.path.join(where, name) for where, _, names in os.walk(top) for name in names
                   if where != top and name.endswith('.json'))
    return [dict(test, name=f"{test['name']}:{os.path.basename(f)[:-5]}", command=command + [f], vector=f, all=test['name'])
            for f in files]


def together(tests):
    """Tests of vectors, many of them in one process."""
    for all_of in sorted({t['all'] for t in tests}):
        mine = [t for t in tests if t['all'] == all_of]
        for part in (mine[i:i + TOGETHER] for i in range(0, len(mine), TOGETHER)):
            yield dict(part[0], name=f'{all_of}:*', command=part[0]['command'][:-1] + [t['vector'] for t in part],
                       seconds=sum(t['seconds'] for t in part) / 2)


def play(test, number=None, map_file=None, limit=None):
    """@return None if the test passed, or what happened."""
    env = dict(os.environ)
    if number is not None:
        env['VBLK_MUTATION'] = str(number)
    if map_file is not None:
        env['VBLK_MUTATION_MAP'] = map_file
    process = subprocess.Popen(test['command'], cwd=test['cwd'], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        if limit is not None:  # of the processor's time: says more than the clock on a busy machine
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit + 1))
        status = process.wait(None if limit is None else 10 + 4 * limit)
        return None if status in (0, 77) else f'status {status}'
    except ProcessLookupError:
        return None if process.wait() in (0, 77) else f'status {process.returncode}'
    except subprocess.TimeoutExpired:
        return 'does not end'
    finally:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()


def baseline(tests, maps, workers):
    def one(test):
        file = os.path.join(maps, test['name'])
        if os.path.exists(file):
            os.remove(file)
        began = time.monotonic()
        what = play(test, map_file=file, limit=int(LONGEST))
        test['seconds'] = time.monotonic() - began
        if what is not None:
            print(f"left out: {test['name']}: {what}", file=sys.stderr)
            return None
        reached = open(file, 'rb').read().rstrip(b'\0') if os.path.exists(file) else b''
        test['reached'] = {i for i, b in enumerate(reached) if b}
        test['differs'] = {i for i, b in enumerate(reached) if b & DIFFERS}
        if os.path.exists(file):
            os.remove(file)
        return test
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [t for t in pool.map(one, tests) if t is not None]


class Campaign:
    """What each test says of each mutation where it makes a difference to it, until one notices."""

    def __init__(self, tests, log, before):
        self.tests, self.log, self.lock = tests, log, threading.Lock()
        self.kills, self.runs = {}, {}  # by file and test
        for row in before:
            if row['result'] == 'killed':
                self.count(self.kills, row['path'], row['by'].rpartition(': ')[0])

    def count(self, table, path, name):
        table[path, name] = table.get((path, name), 0) + 1

    def cost(self, site, test):
        """Seconds until it notices, if it goes on as before; a test of few places knows more of each."""
        key = site.path, test['name']
        hits, runs = self.kills.get(key, 0), self.runs.get(key, 0)
        return (test['seconds'] + 0.02) * (max(runs, hits) + 4) / (hits + 1 + 100 / (100 + len(test['differs'])))

    def candidates(self, site):
        with self.lock:
            mine = sorted((t for t in self.tests if site.number in t['differs']), key=lambda t: self.cost(site, t))
            vectors = [t for t in mine if 'vector' in t]
            few = [t for t in mine if 'vector' not in t] + vectors[:ALONE] + list(together(vectors[ALONE:]))
            return sorted(few, key=lambda t: self.cost(site, t))

    def notices(self, site, test):
        limit = 2 + int(4 * test['seconds'])
        what = play(test, site.number, limit=limit)
        if what is not None and CONCURRENT.search(test['name']):
            what = play(test, site.number, limit=limit)
        with self.lock:
            self.count(self.runs, site.path, test['name'])
            if what is not None:
                self.count(self.kills, site.path, test['name'])
        return what

    def judge(self, site):
        result, by, began = 'survived', '', time.monotonic()
        if not any(site.number in t['reached'] for t in self.tests):
            result = 'not reached'
        candidates = self.candidates(site)
        for n, test in enumerate(candidates):
            what = self.notices(site, test)
            if what is not None:
                result, by = 'killed', f"{test['name']}: {what}"
                break
        else:
            n = len(candidates)
        row = {'key': site.key, 'path': site.path, 'line': site.line, 'kind': site.kind, 'what': site.what, 'result': result, 'by': by,
               'tests': n, 'seconds': round(time.monotonic() - began, 2)}
        with self.lock:
            self.log.write(json.dumps(row) + '\n')
            self.log.flush()
        return row


def equivalent():
    """Lines 'key | reason'."""
    rows = {}
    path = os.path.join(HERE, 'equivalent.txt')
    for line in open(path) if os.path.exists(path) else ():
        if line.strip() and not line.startswith('#'):
            key, _, reason = line.rstrip('\n').rpartition(' | ')
            rows[key] = reason
    return rows


def likely(good, of):
    """Between which shares of all of them the truth lies at a confidence of 95 % (Wilson), if these were chosen by chance."""
    z, n = 1.96, max(1, of)
    middle, half = good / n + z * z / (2 * n), z * math.sqrt(good / n * (1 - good / n) / n + z * z / (4 * n * n))
    return tuple(100 * (middle + side) / (1 + z * z / n) for side in (-half, half))


def report(rows, room, known):
    counted = [r for r in rows if r['key'] not in known]
    killed = sum(r['result'] == 'killed' for r in counted)
    survivors = [r for r in counted if r['result'] != 'killed']
    files = sorted({r['path'] for r in counted})
    for path in files:
        mine = [r for r in counted if r['path'] == path]
        good = sum(r['result'] == 'killed' for r in mine)
        print(f'{100 * good / len(mine):5.1f} %  {good:4} of {len(mine):4}  {path}')
    for r in survivors:
        print(f"{r['path']}:{r['line']}: {r['result']}: {r['kind']}: {r['what']}")
    low, high = likely(killed, len(counted))
    print(f"{room}: {killed} of {len(counted)} killed, {100 * killed / max(1, len(counted)):.1f} % ({low:.1f} to {high:.1f}); "
          f"{len(rows) - len(counted)} change nothing (equivalent.txt)")
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('room', choices=sorted(ROOMS))
    parser.add_argument('--sample', type=int, help='so many of them, chosen by the seed')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--file', help='only this file')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument('--resume', action='store_true', help='go on where the last campaign over the same sources ended')
    parser.add_argument('--survivors', action='store_true', help='try those again that nothing has noticed')
    parser.add_argument('--thorough', action='store_true', help='ask the slowest tests, too')
    parser.add_argument('--list', action='store_true', help='list the mutations and stop')
    options = parser.parse_args()

    work = os.path.join(ROOT, 'build', 'mutation', options.room)
    source, build, maps = (os.path.join(work, d) for d in ('src', 'build', 'maps'))
    os.makedirs(maps, exist_ok=True)
    copy_tree(source)
    commands = configure(source, build)
    files = sorted(p for p in commands if not NO_SOURCE.search(p) and
                   os.path.relpath(p, source).startswith(ROOMS[options.room]))
    if options.file:
        files = [p for p in files if os.path.relpath(p, source) == options.file]
    found = []
    for path in files:
        found += instrument(path, os.path.relpath(path, source), commands[path], found[-1].number + 1 if found else 1)
    if found and found[-1].number > 0xffff:
        sys.exit('more mutations than runtime.c has room for')
    print(f'{len(found)} mutations in {len(files)} files', file=sys.stderr)
    if options.list:
        for s in found:
            print(f'{s.path}:{s.line}: {s.kind}: {s.what}')
        return 0
    must(['cmake', '--build', build, '-j', str(options.workers)])
    tests = tests_of(build, None if options.thorough else SLOW[options.room])
    if options.room == 'oracle':
        tests += proofs(build, source)
    tests = baseline(tests, maps, options.workers)
    if options.sample and options.sample < len(found):
        found = random.Random(options.seed).sample(found, options.sample)

    log_path = os.path.join(work, 'results.jsonl')
    before = {r['key']: r for r in map(json.loads, open(log_path))} if os.path.exists(log_path) else {}
    rows = list(before.values()) if options.resume or options.survivors else []
    if options.survivors:  # what came after the last campaign is not asked about
        rows = [r for r in rows if r['result'] == 'killed']
        found = [s for s in found if s.key in before]
    done = {r['key'] for r in rows}
    known = equivalent()
    with open(log_path, 'a' if rows else 'w') as log:
        campaign = Campaign(tests, log, before.values())
        todo = [s for s in found if s.key not in done and s.key not in known]
        print(f'{len(todo)} to try', file=sys.stderr)
        with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
            for n, row in enumerate(pool.map(campaign.judge, todo)):
                rows.append(row)
                if n % 100 == 99:
                    print(f'{n + 1} tried', file=sys.stderr)
    keys = {s.key for s in found}
    rows = [r for r in rows if r['key'] in keys] + [{'key': k, 'path': '', 'result': ''} for k in known if k in keys]
    report(rows, options.room, known)
    return 0


if __name__ == '__main__':
    sys.exit(main())
