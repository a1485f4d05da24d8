"""TAP for tests in Python: ok(GOOD, NAME, NOTE...) prints a point, with the ends of each note when
it failed; end() prints the plan and exits, 1 when one failed."""
import sys

SHOWN = 12  # lines of a note from each of its ends
counts = {True: 0, False: 0}


def ok(good, name, *notes):
    good = bool(good)
    counts[good] += 1
    print('%sok %d - %s' % ('' if good else 'not ', sum(counts.values()), name), flush=True)
    for note in () if good else notes:
        lines = str(note).splitlines()
        if len(lines) > 2 * SHOWN:
            lines[SHOWN:-SHOWN] = ['...']
        print('\n'.join('# ' + x for x in lines))


def end():
    print('1..%d' % sum(counts.values()))
    sys.exit(counts[False] != 0)
