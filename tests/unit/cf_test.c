/*
 * The sendmail.cf engine, without anything outside: rules, macros, classes, maps,
 * limits, mailers and whole addresses, by short configurations.
 */
#include "base/err.h"
#include "cf/cf_addr.h"
#include "test.h"

struct world {
	struct cf cf;
	struct cf_eval ev;
	struct cf_host host;
	struct buf said;
	char text[8192];
};

static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct world *w = ctx;

	(void)code;
	if (line)
		buf_printf(&w->said, "%u: ", (unsigned)line);
	buf_put(&w->said, text);
	buf_putc(&w->said, '\n');
}

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	(void)ctx;
	(void)ev;
	(void)m;
	(void)args;
	if (span_eq(key, SPAN("later")))
		return EXIT_TEMPFAIL;
	if (!span_eq(key, SPAN("known")))
		return EXIT_NOHOST;
	buf_puts(out, "v.%1.%%");
	return 0;
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	(void)ctx;
	(void)ev;
	(void)m;
	return true;
}

static int read_file(void *ctx, struct span path, struct buf *out)
{
	(void)ctx;
	if (!span_eq(path, SPAN("/words")))
		return 2;
	buf_puts(out, "# none\n one two\nThree\n\n12abc x\n");
	return 0;
}

static struct world *start(const char *config)
{
	struct world *w = calloc(1, sizeof *w);

	w->host = (struct cf_host){w, report, NULL, lookup, open_map, read_file};
	buf_init_fixed(&w->said, w->text, sizeof w->text);
	cf_init(&w->cf);
	cf_eval_init(&w->ev, &w->cf, &w->host);
	CHECK(cf_load(&w->ev, span_str(config)));
	return w;
}

static void stop(struct world *w)
{
	cf_eval_free(&w->ev);
	cf_free(&w->cf);
	free(w);
}

/* The address through ruleset rs, tokens with a blank between them; status in *status. */
static const char *run(struct world *w, const char *rs, const char *addr, int *status)
{
	static char text[4096];
	struct cf_tok *tok = calloc(CF_ATOMS + 1, sizeof *tok);
	struct buf b;
	size_t n;

	buf_init_fixed(&b, text, sizeof text - 1);
	if (cf_scan(&w->ev, span_str(addr), '\0', CF_SCAN_TEST, tok, &n, NULL)) {
		int st =
		    cf_rewrite(&w->ev, tok, &n, cf_ruleset_id(&w->ev, span_str(rs), false, NULL));

		if (status)
			*status = st;
		for (size_t i = 0; i < n; i++) {
			if (i)
				buf_putc(&b, ' ');
			cf_show_tok(&w->cf, &tok[i], &b);
		}
	}
	text[b.len] = '\0';
	free(tok);
	cf_eval_reset(&w->ev);
	return text;
}

#define CHECK_STR(got, want) CHECK_SPAN(span_str(got), span_str(want))

#define HEAD                                                                                       \
	"V10/Berkeley\nO OperatorChars=.:%@!^/[]+\nDjj.example\nDvval\nCZalpha beta a.b x@y\nCE\n" \
	"Ktab text /x\nKdq dequote -s.\nKar arith\nKma macro\nKseq sequence dq tab\n"

static const struct {
	const char *rules, *addr, *want;
} rule_cases[] = {
    {"R$*\t$:<$1>", "a.b", "< a . b >"},
    {"R$+ . $+\t$@$2 at $1", "a.b.c", "b . c at a"},
    {"R$* $- $*\t$:[$1][$2][$3]", "a.b", "[ ] [ a ] [ . b ]"},
    {"R$- $+\t$@ $2", "a", "a"},
    {"R$=Z\t$@ in $1\nR$*\t$@ out", "ALPHA", "in ALPHA"},
    {"R$=Z\t$@ in $1\nR$*\t$@ out", "a.b", "in a . b"},
    {"R$=Z $+\t$@ in $1/$2\nR$*\t$@ out", "x@y.c", "in x @ y / . c"},
    {"R$~Z\t$@ out $1\nR$*\t$@ in", "gamma", "out gamma"},
    {"R$=E\t$@ in\nR$*\t$@ out", "a", "out"},
    {"R$@\t$@ none\nR$*\t$@ some", "a", "some"},
    {"R$*\t$: $v $&v $j", "a", "val val j . example"},
    {"Rval $&v\t$@ yes\nR$*\t$@ no", "val VAL", "yes"},
    {"R$* $&u\t$@ yes\nR$*\t$@ no", "a", "no"},
    {"RAbc\t$@ yes\nR$*\t$@ no", "aBC", "yes"},
    {"R$*\t$: $(tab known $@ one $: none $)", "a", "v . one . %"},
    {"R$*\t$: $(tab $1 $: none $)", "a", "none"},
    {"R$*\t$: $(tab $1 $)", "a.b", "a . b"},
    {"R$*\t$: $(dq $1 $)", "\"a b\"", "a . b"},
    {"R$*\t$: $(dq $1 $: no $)", "ab", "no"},
    {"R$- $- $-\t$: $(ar $2 $@ $1 $@ $3 $)", "7 * 6", "42"},
    {"R$- $- $-\t$: $(ar $2 $@ $1 $@ $3 $: bad $)", "7 / 0", "bad"},
    {"R$- $- $-\t$: $(ar $2 $@ $1 $@ $3 $)", "7 l 9", "TRUE"},
    {"R$*\t$: $(ma {m} $@ $1 $)\nR$*\t$: $&{m}", "a.b", "a . b"},
    {"R$*\t$: $(seq $1 $: none $)", "known", "v . . %"},
    {"R$*\t$: x $>T $1 y\nST\nR$*\t$@ < $1 >", "a", "x < a y >"},
    {"R$*\t$: $>T $>T $1\nST\nR$*\t$@ < $1 >", "a", "< < a > >"},
    {"R$*\t$# error $@ 5.1.1 $: \"550 no\"\nR$*\tlost", "a", "$# error $@ 5 . 1 . 1 $: \"550 no\""},
    {"R$*\t$: $?v has $v $| none $. end", "a", "has val end"},
    {"R$*\t$: $?u has $| none $?v deep $. $. end", "a", "none deep end"},
    {"R$* $| $*\t$: left $1", "a $| b", "a $| b"},
};

TEST(rules_rewrite)
{
	for (size_t i = 0; i < sizeof rule_cases / sizeof rule_cases[0]; i++) {
		char config[1024];
		struct world *w;

		snprintf(config, sizeof config, "%sSR\n%s\n", HEAD, rule_cases[i].rules);
		w = start(config);
		CHECK_STR(run(w, "R", rule_cases[i].addr, NULL), rule_cases[i].want);
		CHECK_SPAN(buf_span(&w->said), SPAN(""));
		stop(w);
	}
}

TEST(loops_and_recursion_end)
{
	struct world *w = start(HEAD "SL\nRa\ta\nSG\nRa $*\ta a $1\nSD\nR$*\t$: $>D $1\n"
				     "SB\nR$*\t$: $>B $1 $>B $1\n");
	int status = 0;

	run(w, "L", "a", &status);
	CHECK_SPAN(buf_span(&w->said), SPAN("Infinite loop in ruleset L, rule 1\n"));
	CHECK_INT(status, 0);
	buf_reset(&w->said);
	run(w, "D", "a", &status);
	CHECK_SPAN(buf_span(&w->said), SPAN("rewrite: excessive recursion (max 50), ruleset D\n"));
	CHECK_INT(status, EXIT_CONFIG);
	run(w, "G", "a", NULL);
	/* Two calls in each of 50 levels would take for ever. */
	run(w, "B", "a", NULL);
	stop(w);
}

TEST(temporary_failure_shows_in_the_status)
{
	struct world *w = start(HEAD "Ktt text -T<T> /x\nSR\nR$*\t$: $(tab $1 $: none $)\n"
				     "SQ\nR$*\t$: $(tt $1 $)\n");
	int status = 0;

	CHECK_STR(run(w, "R", "later", &status), "none");
	CHECK_INT(status, EXIT_TEMPFAIL);
	CHECK_STR(run(w, "Q", "later", &status), "later < T >");
	CHECK_INT(status, EXIT_TEMPFAIL);
	stop(w);
}

static const struct {
	const char *line, *want;
} mistakes[] = {
    {"O NoSuchOption=1", "readcf: unknown option name NoSuchOption"},
    {"O Ma=1", "readcf: ambiguous option name Ma (matches MatchGECOS and MaxHopCount)"},
    {"Ka null\nKb sequence a\nKa sequence b", "Sequence map a: member map b asks it again"},
    {"Ka sequence a", "Sequence map a: member map a asks it again"},
    {"D", "Name required for macro/class"},
    {"Zfoo", "unknown configuration line \"Zfoo\""},
    {"Kx nosuch", "readcf: map x: class nosuch not available"},
    {"Mbare", "Mbare: A= argument required"},
    {"Mx, P=/x, Y=1, A=x", "Mx: unknown mailer equate Y="},
    {"F{f}/none", "fileclass: cannot open '/none': No such file or directory"},
    {"S300", "bad ruleset 300 (100 max)"},
    {"S-1", "invalid ruleset name: \"-1\""},
    {"SA\nRno tab", "invalid rewrite line \"Rno tab\" (tab expected)"},
    {"SA\nR$*\t$2", "replacement $2 out of bounds"},
    {"SA\nR$1\tx", "Inappropriate use of $1-$9 on LHS"},
    {"SA\nRx\t$*", "Inappropriate use of $* on RHS"},
    {"SA\nR$- $- $- $- $- $- $- $- $- $-\tx", "R line: too many wildcards"},
    {"R$*\tx", "missing valid ruleset for"},
    {"Q", "name required for queue"},
    {"Qa, X=1", "Qa: unknown queue equate X="},
    {"Qa, P=/x, F", "queue a: `=' expected"},
};

TEST(mistakes_are_reported_and_reading_goes_on)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		char config[512];
		struct world *w;

		snprintf(config, sizeof config, "V10\n%s\nDyafter\n", mistakes[i].line);
		w = start(config);
		CHECK(strstr(w->text, mistakes[i].want) != NULL);
		CHECK(w->cf.errors > 0);
		CHECK_SPAN(w->cf.macro['y'], SPAN("after"));
		stop(w);
	}
}

TEST(comments_and_continuation)
{
	struct world *w = start("V10\nDaone # not this\nDbtwo \\# this\nCZx\n\ty # c\n\tz\nSR\n"
				"R$*\n\t$: <$1>\tcomment\n");

	CHECK_SPAN(w->cf.macro['a'], SPAN("one"));
	CHECK_SPAN(w->cf.macro['b'], SPAN("two # this"));
	CHECK(cf_class_has(&w->cf, 'Z', SPAN("Y")) && cf_class_has(&w->cf, 'Z', SPAN("z")));
	CHECK_STR(run(w, "R", "q", NULL), "< q >");
	stop(w);
}

TEST(class_files_read_first_words_or_by_pattern)
{
	struct world *w = start("V10\nFW/words\nFN/words %[0-9]\nFO-o /none\n");

	CHECK(cf_class_has(&w->cf, 'W', SPAN("one")) && cf_class_has(&w->cf, 'W', SPAN("three")));
	CHECK(!cf_class_has(&w->cf, 'W', SPAN("two")) && !cf_class_has(&w->cf, 'W', SPAN("#")));
	CHECK(cf_class_has(&w->cf, 'N', SPAN("12")) && !cf_class_has(&w->cf, 'N', SPAN("one")));
	CHECK_SPAN(buf_span(&w->said), SPAN(""));
	stop(w);
}

static const struct {
	const char *addr, *want;
} cracked[] = {
    {"a@b", "$g"},
    {"a@b (c)", "$g (c)"},
    {"(c) a@b", "(c) $g"},
    {"N N <a@b>", "N N <$g>"},
    {"N. N <a@b> x", "\"N. N\" <$g> x"},
    {"\"N. N\" <a@b>", "\"N. N\" <$g>"},
    {"list: a@b;", "list: $g;"},
    {"a (b", "$g (b)"},
    {"<a@b", "<$g>"},
};

TEST(addresses_are_cracked)
{
	for (size_t i = 0; i < sizeof cracked / sizeof cracked[0]; i++) {
		char mem[256], shown[256];
		struct world *w = start("V10\n");
		struct buf b, s;

		buf_init_fixed(&b, mem, sizeof mem);
		buf_init_fixed(&s, shown, sizeof shown);
		cf_crack(NULL, span_str(cracked[i].addr), &b);
		cf_show(&w->cf, buf_span(&b), &s);
		CHECK_SPAN(buf_span(&s), span_str(cracked[i].want));
		stop(w);
	}
}

TEST(addresses_resolve)
{
	struct world *w =
	    start(HEAD "Mlocal, P=/x, F=lsDFMw5:/|@q, S=10, R=20, A=x $u\n"
		       "Msmtp, P=[IPC], F=mDFMuX, A=TCP $h\n"
		       "S3\nR$+@$+\t$:$1<@$2>\nS0\nRbad\t$#error $@ 5.1.1 $: \"550 no\"\n"
		       "Rodd\t$#nosuch $: x\nR$+<@$+>\t$#smtp $@ $2 $: $1<@$2>\n"
		       "R$+\t$#local $: $1\nS4\nR$+<@$+>\t$1@$2\nS20\nR$+\t$: to $1\n");
	struct cf_addr a;

	CHECK(cf_addr_parse(&w->ev, SPAN("User@Host.Example"), 0, &a));
	CHECK_SPAN(a.mailer->name, SPAN("smtp"));
	CHECK_SPAN(a.host, SPAN("host.example"));
	CHECK_SPAN(a.user, SPAN("User@Host.Example"));
	CHECK(cf_addr_parse(&w->ev, SPAN("Bob"), 0, &a));
	CHECK_SPAN(a.user, SPAN("to bob"));
	CHECK(!a.has_host);
	CHECK(!cf_addr_parse(&w->ev, SPAN("bad"), 0, &a));
	CHECK(a.is_error);
	CHECK_SPAN(a.code, SPAN("550"));
	CHECK_SPAN(a.text, SPAN("no"));
	CHECK(!cf_addr_parse(&w->ev, SPAN("odd"), 0, &a));
	CHECK(!cf_addr_parse(&w->ev, SPAN("(only)"), 0, &a));
	stop(w);
}

TEST(long_input_is_refused)
{
	struct world *w = start(HEAD);
	char text[4000];
	struct cf_tok *tok = calloc(CF_ATOMS + 1, sizeof *tok);
	size_t n;

	memset(text, '.', sizeof text);
	CHECK(!cf_scan(&w->ev, span_make(text, sizeof text), '\0', CF_SCAN_TEST, tok, &n, NULL));
	memset(text, 'a', sizeof text);
	CHECK(!cf_scan(&w->ev, span_make(text, 300), '\0', CF_SCAN_TEST, tok, &n, NULL));
	CHECK(cf_addr_invalid(&w->ev, span_make(text, 256)));
	CHECK(!cf_addr_invalid(&w->ev, span_make(text, 255)));
	free(tok);
	stop(w);
}

TEST(a_file_whose_rules_find_no_room_is_none)
{
	struct cf_eval ev;
	struct cf cf;

	cf_init(&cf);
	cf_eval_init(&ev, &cf, NULL);
	ev.kept.max = 0;
	CHECK(!cf_load(&ev, SPAN(HEAD "Scheck_rcpt\nR$*\t$#error $: no\n")));
	cf_eval_free(&ev);
	cf_free(&cf);
}

TEST_MAIN
