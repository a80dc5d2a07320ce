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
import os
import random
import re
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
NOT_RUN = re.compile(r'install|embed|doxygen|licence|headers|rooms|layout|example|real_|qemus_own|somebody_elses|coverage')
NO_SOURCE = re.compile(r'_test\.c$|/fault')  # what is wrong on purpose proves nothing
LONGEST = 20.0  # seconds; a slower test is left out


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
    must(['cmake', '-S', source, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Debug', '-DVBLK_TESTS=ON', '-DVBLK_TOOLS=ON',
          f'-DCMAKE_C_FLAGS=-O1 -w -include {os.path.join(HERE, "runtime.h")}', f'-DCMAKE_EXE_LINKER_FLAGS={runtime}',
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


def tests_of(build):
    rows = json.loads(must(['ctest', '--test-dir', build, '--show-only=json-v1']))['tests']
    tests = []
    for row in rows:
        if NOT_RUN.search(row['name']) or 'command' not in row:
            continue
        where = next((p['value'] for p in row['properties'] if p['name'] == 'WORKING_DIRECTORY'), build)
        tests.append({'name': row['name'], 'command': row['command'], 'cwd': where})
    return tests


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
        status = process.wait(limit)
        return None if status in (0, 77) else f'status {status}'
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
        what = play(test, map_file=file, limit=LONGEST)
        test['seconds'] = time.monotonic() - began
        if what is not None:
            print(f"left out: {test['name']}: {what}", file=sys.stderr)
            return None
        reached = open(file, 'rb').read() if os.path.exists(file) else b''
        test['reached'] = {i for i, b in enumerate(reached) if b}
        return test
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [t for t in pool.map(one, tests) if t is not None]


class Campaign:
    def __init__(self, tests, log):
        self.tests, self.log, self.lock = tests, log, threading.Lock()
        self.kills = {}  # by file and test: what noticed before is asked first

    def order(self, site):
        mine = [t for t in self.tests if site.number in t['reached']]
        return sorted(mine, key=lambda t: (t['seconds'] + 0.02) / (1 + self.kills.get((site.path, t['name']), 0)))

    def judge(self, site):
        result, by = 'survived', ''
        candidates = self.order(site)
        if not candidates:
            result = 'not reached'
        for test in candidates:
            what = play(test, site.number, limit=5 + 10 * test['seconds'])
            if what is not None:
                result, by = 'killed', f"{test['name']}: {what}"
                with self.lock:
                    key = (site.path, test['name'])
                    self.kills[key] = self.kills.get(key, 0) + 1
                break
        row = {'key': site.key, 'path': site.path, 'line': site.line, 'kind': site.kind, 'what': site.what, 'result': result, 'by': by}
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
    print(f"{room}: {killed} of {len(counted)} killed, {100 * killed / max(1, len(counted)):.1f} %; "
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
    tests = baseline(tests_of(build), maps, options.workers)
    if options.sample and options.sample < len(found):
        found = random.Random(options.seed).sample(found, options.sample)

    log_path = os.path.join(work, 'results.jsonl')
    rows = [json.loads(line) for line in open(log_path)] if options.resume and os.path.exists(log_path) else []
    done = {r['key'] for r in rows}
    known = equivalent()
    with open(log_path, 'a' if options.resume else 'w') as log:
        campaign = Campaign(tests, log)
        with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
            for n, row in enumerate(pool.map(campaign.judge, [s for s in found if s.key not in done and s.key not in known])):
                rows.append(row)
                if n % 100 == 99:
                    print(f'{n + 1} tried', file=sys.stderr)
    keys = {s.key for s in found}
    rows = [r for r in rows if r['key'] in keys] + [{'key': k, 'path': '', 'result': ''} for k in known if k in keys]
    report(rows, options.room, known)
    return 0


if __name__ == '__main__':
    sys.exit(main())
