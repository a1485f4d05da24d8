"""bt.py DIR - REAL OURS ROUNDS COUNT: times both programs in DIR; see bt.sh."""
import os
import statistics
import subprocess
import sys

work, _, real, ours, rounds, count = sys.argv[1:7]
PROGRAMS = {'ours': [ours, 'sendmail'], 'real': [real]}


def run(which, given):
    """User and system seconds of one process."""
    before = os.times()
    with open(f'{work}/{given}') as stdin, open(f'{work}/{which}.out', 'w') as out:
        subprocess.run(PROGRAMS[which] + ['-C', 'stock.cf', '-bt'], cwd=work, stdin=stdin, stdout=out,
                       stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user, after.children_system - before.children_system


def many(which, given, times):
    runs = [run(which, given) for _ in range(times)]
    return sum(r[0] for r in runs) / times, sum(r[1] for r in runs) / times


busy = {w: [] for w in PROGRAMS}
start = {w: [] for w in PROGRAMS}
for _ in range(int(rounds)):
    for which in PROGRAMS:
        busy[which].append(sum(many(which, 'input', 1)))
        # One start is below the clock's step.
        start[which].append(many(which, 'empty', 20)[0])
run('ours', 'input')
run('real', 'input')
a, b = (open(f'{work}/{w}.out').read() for w in ('ours', 'real'))
if a != b or a.count('> ') < int(count):
    sys.exit('bt: the answers differ')
rate = {w: int(count) / statistics.median(busy[w]) for w in PROGRAMS}
begin = {w: 1000 * statistics.median(start[w]) for w in PROGRAMS}
print('addresses/s through 3,0|%.0f|%.0f|%.1f' % (rate['ours'], rate['real'], rate['ours'] / rate['real']))
print('start-up with the stock cf, user ms|%.2f|%.2f|%.2f' %
      (begin['ours'], begin['real'], begin['ours'] / begin['real']))
