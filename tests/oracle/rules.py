"""rules.py SEED: a sendmail.cf of random rules, for bt.t."""
import random, sys

rng = random.Random('rules %s' % sys.argv[1])
LITERALS = ['a', 'b', 'x', 'Alpha', '.', '@', '!', '%', ':', '<', '>', 'a.b', '"q s"', 'q"x"y', '\\@', '[', ']', '+',
            '^', '-', '=', '*', 'a1', '#']
LEFT = ['$*', '$+', '$-', '$=Z', '$=Y', '$~Z', '$~Y', '$@', '$M', '$&M', '$&{u}', '$&N', '$j', '$={L}', '$~{L}', '$&{v}']


def left():
    return rng.choice(['', ' ']).join(rng.choice(LEFT if rng.random() < .65 else LITERALS)
                                      for _ in range(rng.randint(1, 6)))


def right(wild, names):
    def one():
        d = '$%d' % rng.randint(1, max(wild, 1)) if wild else rng.choice(LITERALS)
        return rng.choice([d] * 8 + [rng.choice(LITERALS)] * 3 + [
            '$M', '$j', '$&N', '$&{u}', '$&{v}', '$?M y $| n $.', '$?{u}$&{u}$.', '$>%s %s' % (rng.choice(names), d),
            '$(dq %s $)' % d, '$(tx %s $: nf $)' % d, '$(tx %s $)' % d, '$(rx %s $: n $)' % d, '$(ma {u} $@ %s $)' % d,
            '$(sq %s $@ %s $@ x $: d %s $)' % (d, d, d), '$(ar + $@ %s $@ 3 $: e $)' % d])
    start = rng.choice(['', '$@ ', '$: ', '$#smtp $@ h.x $: ', '$#error $@ 5.1.1 $: "550 no" ', '$#local $: '])
    return start + ' '.join(one() for _ in range(rng.randint(1, 5)))


heads = [('Sr%d=%d' % (i, i), 'r%d' % i) if rng.random() < .3 else ('S%d' % i, '%d' % i) for i in range(5, 50)]
names = [n for _, n in heads]
print('V%d\nO DontProbeInterfaces=True\nO QueueDirectory=/tmp' % rng.choice([10, 10, 9, 8, 6]))
print('O OperatorChars=' + rng.choice(['.:%@!^/[]+', '.:@!', '.:%@!^/[]+=#', '@.!']))
print('Djrules.example\nDMmval\nDNa.b\n{v}CZalpha beta a b.c x@y\nCYa a.b a@b c\nC{L}aa.bb long.x b'.replace('{v}', 'D{v}v!w\n'))
print('Kdq dequote\nKar arith\nKma macro\nKrx regex -a.M ^[ab]+$\nKtx text @TBL@/words\nKsq sequence dq tx rx')
print('Mlocal, P=/bin/mail, F=lsDFM, S=%s, R=%s, A=mail $u\nMprog, P=/bin/sh, F=l, A=sh -c $u\n'
      'Msmtp, P=[IPC], F=m, S=%s/%s, R=6, A=TCP $h' % tuple(rng.choice(names) for _ in range(4)))
for head, _ in heads:
    print(head)
    for _ in range(rng.randint(1, 4)):
        l = left()
        print('R%s\t%s' % (l, right(sum(l.count(x) for x in ('$*', '$+', '$-', '$=', '$~')), names)))
print('S3\nR$*\t$: $1\nS0\nR$*\t$#local $: $1')
