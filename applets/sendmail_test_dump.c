/*
 * sendmail -bt: rulesets, mailers, classes and macros as =S, =M, $= and $ print
 * them; see sendmail_test_part.h.
 *
 * Must not expand a macro: what is defined is shown as it was written.
 */
#include "sendmail_test_part.h"

/* Rules are shown as tokens with a blank behind each, as sendmail keeps them. */
static void dump_ruleset(struct sendmail_test *t, struct span name)
{
	int rs = cf_ruleset_id(&t->ev, name, false, NULL);
	const struct cf_rule *r;

	if (rs < 0) {
		buf_printf(&t->out, "Undefined ruleset %.*s\n", SPAN_ARG(name));
		return;
	}
	for (r = t->cf.rs[rs].first; r; r = r->next) {
		buf_putc(&t->out, 'R');
		for (size_t i = 0; i < r->nlhs; i++) {
			cf_show_tok(&t->cf, &r->lhs[i], &t->out);
			buf_putc(&t->out, ' ');
		}
		buf_puts(&t->out, "\t\t");
		for (size_t i = 0; i < r->nrhs; i++) {
			cf_show_tok(&t->cf, &r->rhs[i], &t->out);
			buf_putc(&t->out, ' ');
		}
		buf_putc(&t->out, '\n');
	}
}

/* -1: the mailer names no ruleset on this side. */
static void put_rulesets(struct sendmail_test *t, const char *label, int envelope, int header)
{
	buf_puts(&t->out, label);
	if (envelope < 0)
		buf_puts(&t->out, "-1");
	else
		cf_ruleset_name(&t->cf, envelope, &t->out);
	buf_putc(&t->out, '/');
	if (header < 0)
		buf_puts(&t->out, "-1");
	else
		cf_ruleset_name(&t->cf, header, &t->out);
}

static void dump_mailer(struct sendmail_test *t, int i)
{
	const struct cf_mailer *m = t->cf.mailers[i];

	buf_printf(&t->out, "mailer %d (%.*s): P=%.*s", i, SPAN_ARG(m->name), SPAN_ARG(m->path));
	put_rulesets(t, " S=", m->se, m->sh);
	put_rulesets(t, " R=", m->re, m->rh);
	buf_printf(&t->out, " M=%ld U=%ld:%ld F=", m->max_size, m->uid, m->gid);
	for (int c = 0; c < 128; c++)
		if (cf_mailer_flag(m, (char)c))
			buf_putc(&t->out, (char)c);
	buf_printf(&t->out, " L=%ld E=", m->line_limit);
	cf_show(&t->cf, m->eol, &t->out);
	if (m->charset.len)
		buf_printf(&t->out, " C=%.*s", SPAN_ARG(m->charset));
	for (int k = 0; k < 3; k++) {
		buf_puts(&t->out, k ? "/" : " T=");
		buf_put(&t->out, m->type[k].len ? m->type[k] : SPAN("<undefined>"));
	}
	buf_printf(&t->out, " r=%ld", m->max_rcpt);
	buf_puts(&t->out, " A=");
	cf_show(&t->cf, m->argv, &t->out);
	buf_putc(&t->out, '\n');
}

void sendmail_test_dump(struct sendmail_test *t, struct span line)
{
	char what = line.len > 1 ? line.ptr[1] : '\0';

	if (what == 'S') {
		dump_ruleset(t, span_skip(line, 2));
	} else if (what == 'M') {
		for (int i = 0; i < t->cf.nmailers; i++)
			dump_mailer(t, i);
	} else if (!what) {
		sendmail_test_say_str(t, "Usage: =Sruleset or =M\n");
	} else {
		buf_printf(&t->out, "Unknown \"=\" command %.*s\n", SPAN_ARG(line));
	}
}

/* In the order of the list, latest first. */
static void dump_class(struct sendmail_test *t, int id)
{
	for (const struct cf_member *m = t->cf.members[id]; m; m = m->next) {
		sendmail_test_say(t, m->text);
		sendmail_test_say_str(t, "\n");
	}
}

/* "$=x" shows a class, "$x" a macro: the run-time value, else the configuration's. */
void sendmail_test_dump_value(struct sendmail_test *t, struct span line)
{
	size_t used;
	int id;
	struct span v;

	if (line.len > 1 && line.ptr[1] == '=') {
		id = cf_macro_id(&t->ev, span_skip(line, 2), &used);
		if (id)
			dump_class(t, id);
		return;
	}
	id = cf_macro_id(&t->ev, span_skip(line, 1), &used);
	if (id == 0)
		return;
	v = cf_macro_get(&t->ev, id);
	if (v.ptr)
		sendmail_test_show(t, v);
	else
		sendmail_test_say_str(t, "Undefined");
	sendmail_test_say_str(t, "\n");
}
