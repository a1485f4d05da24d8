/*
 * Configurations and evaluations: beginning, end, and the messages in between; see
 * cf/cf.h.
 *
 * Memory comes from arenas with a maximum, so that no configuration and no address
 * can take all there is.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cf/cf.h"
#include "cf/cf_part.h"

enum {
	CONFIG_MAX = 256 << 20, /* classes of many words included */
	SCRATCH_MAX = 16 << 20
};

static const struct cf_host no_host;

void cf_eval_init(struct cf_eval *ev, struct cf *cf, const struct cf_host *host)
{
	*ev = (struct cf_eval){.cf = cf, .host = host ? host : &no_host};
	/*
	 * mem is given back after each address; kept holds what must outlive that: macro
	 * values and workspaces.
	 */
	arena_init(&ev->mem, SCRATCH_MAX);
	arena_init(&ev->kept, SCRATCH_MAX);
}

void cf_eval_reset(struct cf_eval *ev)
{
	arena_reset(&ev->mem);
}

void cf_eval_free(struct cf_eval *ev)
{
	arena_free(&ev->mem);
	arena_free(&ev->kept);
}

static void send_report(struct cf_eval *ev, uint32_t line, const char *code, const char *fmt,
			va_list ap)
{
	char mem[CF_LINE];
	int n = vsnprintf(mem, sizeof mem, fmt, ap);

	if (n > (int)sizeof mem - 1)
		n = (int)sizeof mem - 1;
	if (ev->host->report && n >= 0)
		ev->host->report(ev->host->ctx, line, code, span_make(mem, (size_t)n));
}

void cf_report(struct cf_eval *ev, const char *code, const char *fmt, ...)
{
	va_list ap;

	/* Only a configuration is counted: a bad address is an answer, not an error of ours. */
	if (ev->building)
		ev->cf->errors++;
	va_start(ap, fmt);
	send_report(ev, ev->line, code, fmt, ap);
	va_end(ap);
}

/* A warning, which is no error and has no line. */
void cf_note(struct cf_eval *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_report(ev, 0, "", fmt, ap);
	va_end(ap);
}

/* The first workspace: rewriting starts at level 1, so reading rules may use it. */
struct cf_tok *cf_scratch(struct cf_eval *ev)
{
	if (!ev->level[0])
		ev->level[0] = arena_alloc(&ev->kept, (CF_ATOMS + 1) * sizeof *ev->level[0]);
	return ev->level[0];
}

void cf_init(struct cf *cf)
{
	/*
	 * sendmail's setupmailers: these exist without any M line, since the flags of
	 * other mailers refer to them ("|", "/", ":"); a configuration may define them
	 * over. \201u is $u in internal text.
	 */
	static const char *const mailers[] = {
	    "prog, P=/bin/sh, F=lsouDq9, T=X-Unix/X-Unix/X-Unix, A=sh -c \201u",
	    "*file*, P=[FILE], F=lsDFMPEouq9, T=X-Unix/X-Unix/X-Unix, A=FILE \201u",
	    "*include*, P=/dev/null, F=su, A=INCLUDE \201u",
	};
	struct cf_eval ev;

	memset(cf, 0, sizeof *cf);
	arena_init(&cf->mem, CONFIG_MAX);
	cf->blank = ' ';
	cf->next_named = CF_RULESETS;
	cf->lines_tail = &cf->lines;
	cf->options_tail = &cf->options;
	cf_set_operators(cf, SPAN(".:@[]"));
	/*
	 * As sendmail's initmacros does: a macro named like an operator has that operator
	 * as value.
	 */
	for (int c = '#'; c <= '~'; c++) {
		char op = (char)cf_op_of((char)c);

		if (op)
			cf_macro_define(cf, c, span_make(&op, 1));
	}
	for (int c = '0'; c <= '9'; c++) {
		char digit[] = {(char)CF_REPL, (char)c};

		cf_macro_define(cf, c, span_make(digit, 2));
	}
	cf_macro_define(cf, 'n', SPAN("MAILER-DAEMON"));
	cf_eval_init(&ev, cf, NULL);
	ev.building = true;
	for (int i = 0; i < 3; i++)
		cf_mailer_add(&ev, span_str(mailers[i]));
	cf_eval_free(&ev);
}

void cf_free(struct cf *cf)
{
	arena_free(&cf->mem);
}
