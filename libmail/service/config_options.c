/*
 * O lines as settings; see service/config.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "service/config.h"
#include "service/mailer.h"
#include "service/settings_part.h"
#include "sys/log.h"

/* Values that sendmail and we count in different ways; false: nothing is to be set. */
static bool adapt(struct span name, struct buf *value)
{
	uint64_t n;

	/* "queue*": several folders; ours is one. */
	if (ascii_eq_nocase(name, SPAN("QueueDirectory"))) {
		size_t star = span_index(buf_span(value), '*');

		if (star < value->len) {
			while (star > 0 && value->ptr[star - 1] != '/')
				star--;
			buf_truncate(value, star ? star - 1 : 0);
		}
		return value->len > 0;
	}
	/* No limit is no number of sessions; ours keeps descriptors for them. */
	if (ascii_eq_nocase(name, SPAN("MaxDaemonChildren")))
		return num_parse(buf_span(value), UINT32_MAX, &n) && n > 0;
	/* Connections a second there, a minute here. */
	if (ascii_eq_nocase(name, SPAN("ConnectionRateThrottle"))) {
		if (!num_parse(buf_span(value), UINT32_MAX / 60, &n))
			return false;
		buf_reset(value);
		buf_putu(value, n * 60);
		return true;
	}
	/* Only "interactive" lets the mailbox be the safe place; nothing makes mail unsafe. */
	if (ascii_eq_nocase(name, SPAN("SuperSafe")) && value->len &&
	    ascii_lower(value->ptr[0]) != 'i') {
		buf_reset(value);
		buf_putc(value, 'y');
	}
	return true;
}

/* "Timeout" with ".queuereturn=5d" is an option of its own here. */
static struct span whole_name(const struct cf_option *o, struct buf *value, char *mem, size_t cap)
{
	const char *name = cf_option_name(o);
	size_t eq = span_index(buf_span(value), '=');

	/* Its older name, with what is the time of the warning now. */
	if (strcmp(name, "QueueTimeout") == 0) {
		buf_truncate(value, span_index(buf_span(value), '/'));
		return SPAN("Timeout.queuereturn");
	}

	if (strcmp(name, "Timeout") != 0 || value->len == 0 || value->ptr[0] != '.')
		return span_str(name);
	snprintf(mem, cap, "Timeout%.*s", (int)eq, value->ptr);
	buf_consume(value, eq < value->len ? eq + 1 : eq);
	return span_str(mem);
}

struct given {
	void (*tell)(const char *text);
	bool no_time; /* one was none: told, passed over, and the status is 64 */
};

/* Text of the command line has no line. */
static void report_given(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct given *g = ctx;
	char mem[CF_LINE];

	(void)line;
	(void)code;
	snprintf(mem, sizeof mem, "%.*s", SPAN_ARG(text));
	g->tell(mem);
	g->no_time |= span_starts(text, SPAN("Invalid time"));
}

/* What ends sendmail at once; false: it was told. */
static bool is_mode(const struct cf_option *o, void (*tell)(const char *text))
{
	char text[32];
	const char *name = cf_option_name(o);
	bool eight = strcmp(name, "EightBitMode") == 0;
	char letter = o->value.len ? o->value.ptr[0] : '\0';

	if (eight ? letter && strchr("mps", letter)
		  : strcmp(name, "DeliveryMode") != 0 || strchr("bdiq", letter))
		return true;
	snprintf(text, sizeof text, "Unknown %s mode %.1s", eight ? "8-bit" : "delivery", &letter);
	tell(text);
	return false;
}

/* An option that the engine has found good; what it means here. */
static int give(struct settings *s, const struct cf_option *o, void (*tell)(const char *text))
{
	char mem[CF_LINE], full[64];
	struct buf value;
	struct span name;
	struct err e;

	buf_init_fixed(&value, mem, sizeof mem);
	buf_put(&value, o->value);
	name = whole_name(o, &value, full, sizeof full);
	if (!buf_ok(&value) || settings_set(s, name, buf_span(&value), &e) || e.sys == ENOENT)
		return 0;
	tell(e.text);
	/* Where sendmail reads 0, which is no limit, the default stays. */
	return e.sys == EINVAL ? 0 : EXIT_SOFTWARE;
}

int config_give(struct settings *s, char letter, const char *text, void (*tell)(const char *text),
		bool *fatal)
{
	struct span value = span_str(text), name = span_trim(span_cut(&value, '='));
	struct given g = {.tell = tell};
	struct cf_host host = {.ctx = &g, .report = report_given, .read_file = maps_read_file};
	struct cf *cf = calloc(1, sizeof *cf);
	struct cf_eval ev;
	int status = 0;
	struct err e;

	*fatal = false;
	if (!cf)
		return EXIT_OSERR;
	cf_init(cf);
	cf_eval_init(&ev, cf, &host);
	ev.building = true;
	if (letter != ' ' || !settings_is_own(name)) {
		cf_option_set(&ev, letter, span_str(text));
	} else if (!settings_set(s, name, span_trim(value), &e)) {
		tell(e.text);
		status = EXIT_SOFTWARE;
	}
	if (cf->errors)
		status = EXIT_SOFTWARE;
	else if (cf->options)
		status = g.no_time ? EXIT_USAGE : give(s, cf->options, tell);
	if (cf->options && !is_mode(cf->options, tell)) {
		*fatal = true;
		status = EXIT_USAGE;
	}
	cf_eval_free(&ev);
	cf_free(cf);
	free(cf);
	return status;
}

/* An option that has no setting has no effect here; the engine knows all of sendmail's names. */
static void set_option(struct config *c, struct settings *s, const struct cf_option *o)
{
	char mem[CF_LINE], full[64];
	struct buf value;
	struct span name;
	struct err e = {.sys = 0};

	buf_init_fixed(&value, mem, sizeof mem);
	cf_expand(c->ev, o->value, &value);
	name = whole_name(o, &value, full, sizeof full);
	if (buf_ok(&value) && adapt(name, &value) &&
	    !settings_set_default(s, name, buf_span(&value), &e) && e.sys != ENOENT)
		log_warn("%s: %s", c->name, e.text);
}

/* "[IPC]" with "FILE /path": over a Unix socket. */
static bool sends_to_path(const struct cf_mailer *m)
{
	return span_starts(m->argv, SPAN("FILE ")) && m->path.len && m->path.ptr[0] == '[' &&
	       !ascii_eq_nocase(m->path, SPAN("[FILE]"));
}

/* The programs that gate may start; what is given on the command line does not add to them. */
static void note_programs(const struct config *c, struct settings *s)
{
	char mem[SETTINGS_LIST_MAX];
	struct buf list;
	struct err e;

	buf_init_fixed(&list, mem, sizeof mem);
	for (int i = 0; i < c->cf.nmailers; i++) {
		const struct cf_mailer *m = c->cf.mailers[i];

		if (!mailer_runs(m))
			continue;
		buf_printf(&list, "%s%.*s=%.*s=%.*s", list.len ? " " : "", SPAN_ARG(m->name),
			   SPAN_ARG(mailer_is_shell(m) ? SPAN("") : m->path), SPAN_ARG(m->user));
		if (m->group.len)
			buf_printf(&list, ":%.*s", SPAN_ARG(m->group));
	}
	s->programs[0] = '\0';
	if (!buf_ok(&list) || !settings_set(s, SPAN("Programs"), buf_span(&list), &e))
		log_warn("%s: too many mailers with programs: none is run", c->name);
}

/* What cfgen knows, and no line of sendmail's can say: the smart host, the senders' domain. */
static void set_macro(struct config *c, struct settings *s, const char *macro, const char *name)
{
	size_t used;
	int id = cf_macro_id(c->ev, span_str(macro), &used);
	char mem[SETTINGS_NAME_MAX];
	struct buf value;
	struct err e;

	buf_init_fixed(&value, mem, sizeof mem);
	if (id)
		cf_expand(c->ev, cf_macro_get(c->ev, id), &value);
	if (value.len && !settings_set_default(s, span_str(name), buf_span(&value), &e))
		log_warn("%s: %s", c->name, e.text);
}

void config_settings(struct config *c, struct settings *s, bool is_file)
{
	static const char *const users[] = {"$z", "$u", "$h"};
	char mem[SETTINGS_NAME_MAX];
	struct buf name;
	struct err e;

	if (!config_begin(c))
		return;
	buf_init_fixed(&name, mem, sizeof mem - 1);
	cf_expand(c->ev, SPAN("\201j"), &name);
	if (name.len && buf_ok(&name) && !settings_given(s, "Hostname"))
		span_to_cstr(buf_span(&name), s->hostname, sizeof s->hostname);
	/* sendmail's defaults where ours are others. */
	if (is_file) {
		settings_set_default(s, SPAN("MaxMessageSize"), SPAN("0"), &e);
		settings_set_default(s, SPAN("ForwardPath"), SPAN("$z/.forward"), &e);
	}
	/* What is not known before there is a user stays as it is written. */
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
		config_set(c, users[i] + 1, span_str(users[i]));
	for (const struct cf_option *o = c->cf.options; o; o = o->next)
		set_option(c, s, o);
	set_macro(c, s, "{letterbox_relay}", "Relay");
	set_macro(c, s, "{letterbox_domain}", "SenderDomain");
	note_programs(c, s);
	for (int i = 0; i < c->cf.nmailers; i++)
		s->unix_targets |= sends_to_path(c->cf.mailers[i]);
	if (is_file && s->listener_count == 0)
		settings_add_listener(s, SPAN("Name=MTA,Port=25"), &e);
	config_idle(c);
}

static bool asks(const struct cf_tok *tok, size_t n, bool look_up)
{
	for (size_t i = 0; i < n; i++)
		if (tok[i].op == CF_CANON || (look_up && tok[i].op == CF_LOOKUP))
			return true;
	return false;
}

/* $[ in a rule, or any look-up where there are maps that ask: a socket is needed then. */
bool config_asks(const struct config *c)
{
	bool maps = false;

	for (int i = 0; i < c->cf.nmaps; i++) {
		enum cf_map_kind k = c->cf.maps[i]->kind;

		maps |= k == CFM_DNS || k == CFM_BESTMX || k == CFM_ARPA || k == CFM_SOCKET ||
			(k == CFM_HOST && !span_eq(c->cf.maps[i]->name, SPAN("host")));
	}
	for (int rs = 0; rs < CF_RULESETS; rs++)
		for (const struct cf_rule *r = c->cf.rs[rs].first; r; r = r->next)
			if (asks(r->rhs, r->nrhs, maps))
				return true;
	return false;
}
