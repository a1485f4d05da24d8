/*
 * From settings to a configuration; see service/policy.h.
 */
#include "service/policy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/fs.h"
#include "sys/log.h"

/* The first error is what the caller shows; warnings of a file that works are logged. */
static void report(void *ctx, const struct cfgen_message *m)
{
	struct err *e = ctx;

	if (!m->error)
		log_warn("%s:%u:%u: %s%s%s", m->file ? m->file : "settings", (unsigned)m->line,
			 (unsigned)m->column, m->text, *m->hint ? "; " : "", m->hint);
	else if (e->class == ERR_NONE && m->line)
		err_perm(e, "5.3.5", "%s:%u:%u: %s (%s)", m->file, (unsigned)m->line,
			 (unsigned)m->column, m->text, m->hint);
	else if (e->class == ERR_NONE)
		err_perm(e, "5.3.5", "%s (%s)", m->text, m->hint);
}

bool policy_read_file(void *ctx, struct span path, struct buf *out)
{
	char name[SETTINGS_PATH_MAX * 2];
	struct err e;

	(void)ctx;
	return span_to_cstr(path, name, sizeof name) &&
	       fs_read_all(AT_FDCWD, name, FS_FOLLOW, out, &e);
}

/* Set by hand, or what the host is called anyway. */
static const char *source_of(const char *variable)
{
	char twin[64];

	snprintf(twin, sizeof twin, "%s_FILE", variable);
	return getenv(variable) || getenv(twin) ? variable : "system";
}

/* The listeners as LISTEN has them. */
static bool set_listeners(struct cfgen *g, const struct settings *s)
{
	char mem[SETTINGS_LISTENERS_MAX * 80];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	for (uint32_t i = 0; i < s->listener_count; i++) {
		const struct settings_listener *l = &s->listeners[i];
		bool v6 = strchr(l->addr, ':') != NULL;

		buf_printf(&b, "%s%s%s%s:%u", i ? " " : "", v6 ? "[" : "",
			   l->addr[0] ? l->addr : "*", v6 ? "]" : "", (unsigned)l->port);
	}
	return b.len == 0 || cfgen_set(g, SPAN("LISTEN"), buf_span(&b), "LETTERBOX_LISTEN", 0);
}

bool policy_set(struct cfgen *g, const struct settings *s)
{
	const struct {
		const char *name, *value, *source;
	} given[] = {
	    {"OFFICIAL_NAME", s->hostname, "LETTERBOX_HOSTNAME"},
	    {"FROM_ADDRESS", s->domain, "LETTERBOX_DOMAIN"},
	    {"ACCEPT_ADDRS", s->local, "LETTERBOX_LOCAL"},
	    {"DEFAULT_RELAY", s->relay, "LETTERBOX_RELAY"},
	    {"QUEUE_DIR", s->queue, "LETTERBOX_QUEUE"},
	    {"ALIAS_FILE_PATH", s->aliases, "LETTERBOX_ALIASES"},
	    {"TLS_CERT", s->cert, "LETTERBOX_TLS_CERT"},
	    {"TLS_KEY", s->key, "LETTERBOX_TLS_KEY"},
	};
	bool ok = set_listeners(g, s);

	for (size_t i = 0; ok && i < sizeof given / sizeof given[0]; i++)
		if (given[i].value[0])
			ok = cfgen_set(g, span_str(given[i].name), span_str(given[i].value),
				       source_of(given[i].source), 0);
	return ok;
}

/* Without a report it was memory. */
static bool give(const struct err *first, struct err *e)
{
	if (first->class == ERR_NONE)
		return err_temp(e, "4.3.0", "out of memory");
	*e = *first;
	return false;
}

bool policy_write(const struct settings *s, struct buf *out, struct err *e)
{
	struct err first = {.class = ERR_NONE};
	const struct cfgen_host host = {&first, report, NULL};
	struct cfgen g;
	bool ok;

	cfgen_init(&g, &host);
	g.full = false;
	ok = policy_set(&g, s) && cfgen_write(&g, out);
	cfgen_free(&g);
	return ok || give(&first, e);
}

bool policy_write_def(const char *path, struct buf *out, struct err *e)
{
	struct err first = {.class = ERR_NONE};
	const struct cfgen_host host = {&first, report, policy_read_file};
	struct cfgen g;
	struct buf text;
	bool ok;

	buf_init(&text, CFGEN_DEF_MAX);
	cfgen_init(&g, &host);
	ok = fs_read_all(AT_FDCWD, path, FS_FOLLOW, &text, &first) &&
	     cfgen_parse(&g, buf_span(&text), path) && cfgen_write(&g, out);
	cfgen_free(&g);
	buf_free(&text);
	return ok || give(&first, e);
}
