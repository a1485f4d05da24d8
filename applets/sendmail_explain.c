/*
 * sendmail --explain ADDRESS: the way of an address through the rulesets, as a tree: each
 * ruleset that changed it, each rule that matched with its file and line, each map that was asked,
 * and what it comes to.
 *
 * The engine's trace is what -bt shows; here it is indented by call, and what did nothing is left
 * out.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "sendmail.h"

enum {
	RULES = 12,   /* -d21 level from which rules that match are traced */
	DEEPEST = 60, /* CF_DEPTH and the outermost ones */
	SHOWN_MAX = 8 * CF_LINE,
};

struct explain {
	struct config *config;
	const char *name;           /* of the file, without folders */
	uint32_t line[DEEPEST + 1]; /* by depth: of the rule that matched last */
	uint32_t decided;           /* of the one that named a mailer */
	int depth;
	bool pending; /* a ruleset was entered and has done nothing yet */
	struct buf head;
};

static void put_tokens(const struct explain *x, const struct cf_trace *t, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			buf_putc(out, ' ');
		cf_show_tok(&x->config->cf, &t->tok[i], out);
	}
}

static void print(int depth, struct buf *text)
{
	printf("%*s%.*s\n", 2 * (depth < DEEPEST ? depth : DEEPEST), "", SPAN_ARG(buf_span(text)));
	buf_reset(text);
}

/* The ruleset's own line waits until something happens in it. */
static void flush_head(struct explain *x)
{
	if (x->pending)
		print(x->depth - 1, &x->head);
	x->pending = false;
}

static void enter(struct explain *x, const struct cf_trace *t)
{
	flush_head(x);
	buf_reset(&x->head);
	buf_put(&x->head, t->name);
	buf_puts(&x->head, "  ");
	put_tokens(x, t, &x->head);
	x->pending = true;
	x->depth++;
}

static void step(struct explain *x, const struct cf_trace *t, struct buf *out)
{
	uint32_t *line = &x->line[x->depth < DEEPEST ? x->depth : DEEPEST];

	switch (t->step) {
	case CF_STEP_MATCHES:
		*line = t->rule->line;
		return;
	case CF_STEP_REWRITTEN:
		buf_printf(out, "%s:%u  -> ", x->name, (unsigned)*line);
		put_tokens(x, t, out);
		if (t->n && t->tok[0].op == CF_MAILER)
			x->decided = *line;
		break;
	case CF_STEP_LOOKUP:
		buf_printf(out, "map %.*s asked for ", SPAN_ARG(t->map->name));
		cf_show(&x->config->cf, t->text, out);
		break;
	case CF_STEP_FOUND:
		buf_puts(out, "  found ");
		cf_show(&x->config->cf, t->text, out);
		break;
	case CF_STEP_MISSING:
		buf_printf(out, "  not found%s", t->status == EXIT_TEMPFAIL ? ", for now" : "");
		break;
	default:
		return;
	}
	flush_head(x);
	print(x->depth, out);
}

static void trace(void *ctx, const struct cf_trace *t)
{
	struct explain *x = ctx;
	struct buf out;

	if (t->step == CF_STEP_INPUT) {
		enter(x, t);
		return;
	}
	if (t->step == CF_STEP_RETURNS) {
		x->pending = false;
		x->depth -= x->depth > 0;
		return;
	}
	buf_init(&out, SHOWN_MAX);
	step(x, t, &out);
	buf_free(&out);
}

/* The configuration's own side of things, asked in its name. */
static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	const struct cf_host *h = &((struct explain *)ctx)->config->host;

	h->report(h->ctx, line, code, text);
}

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	const struct cf_host *h = &((struct explain *)ctx)->config->host;

	return h->lookup(h->ctx, ev, m, key, args, out);
}

static void print_result(const struct explain *x, const struct cf_addr *a)
{
	if (!a->mailer) {
		printf("refused: %.*s%s%s", SPAN_ARG(a->code), a->code.len ? " " : "",
		       x->config->heard);
	} else {
		printf("mailer %.*s, ", SPAN_ARG(a->mailer->name));
		if (a->has_host)
			printf("host %.*s, ", SPAN_ARG(a->host));
		printf("user %.*s", SPAN_ARG(a->user));
	}
	if (x->decided)
		printf("  (decided at %s:%u)", x->name, (unsigned)x->decided);
	putchar('\n');
}

int sendmail_explain(struct sendmail *m, const char *addr)
{
	struct explain x = {.config = m->config};
	struct cf_host host = {&x, report, trace, lookup, NULL, NULL};
	const char *slash = strrchr(m->text.name, '/');
	struct cf_eval *ev = config_begin(m->config);
	char *one = (char *)addr;
	struct cf_addr a;
	int status;

	if (!ev)
		return EXIT_OSERR;
	x.name = slash ? slash + 1 : m->text.name;
	buf_init(&x.head, SHOWN_MAX);
	printf("%s by %s\n", addr, m->text.name);
	ev->host = &host;
	ev->debug = RULES;
	ev->debug_maps = 1;
	cf_addr_parse(ev, span_str(addr), 0, &a);
	status = a.mailer ? 0 : ev->status ? ev->status : EXIT_USAGE;
	print_result(&x, &a);
	ev->host = &m->config->host;
	ev->debug = ev->debug_maps = 0;
	buf_free(&x.head);
	/* A local name may stand for others, by aliases and ~/.forward. */
	m->verbose = true;
	if (a.mailer && cf_mailer_flag(a.mailer, 'A'))
		sendmail_verify(m, 1, &one);
	return status;
}
