/*
 * Values that follow from others; see cf/cfgen_part.h.
 *
 * What the template cannot work out is made here, as lines for its lists: addresses of
 * relays, listeners, classes from several variables, the operating system's paths.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "cf/cfgen_part.h"

/* By the start of OS_TYPE; aliases need not be there unless somebody names a file. */
static const struct {
	const char *name, *path, *flags, *args, *type, *aliases, *queue, *pid;
} systems[] = {
    {"letterbox", "/usr/local/bin/deliver", "lsDFMAw5:/|@qmnu9", "deliver -f $g $u", "X-Unix",
     "-o /etc/aliases", "/var/spool/letterbox", ""},
    {"bsd4.3", "/bin/mail", "lsDFMAw5:/|@qrmn9", "mail -d $u", "X-Unix", "-o /etc/aliases",
     "/var/spool/mqueue", "/etc/sendmail.pid"},
    {"bsd", "/usr/libexec/mail.local", "lsDFMAw5:/|@qSXmnz9", "mail.local -l", "SMTP",
     "-o /etc/mail/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
    {"freebsd", "/usr/libexec/mail.local", "lsDFMAw5:/|@qSXmnz9", "mail.local -l", "SMTP",
     "-o /etc/mail/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
    {"netbsd", "/usr/libexec/mail.local", "lsDFMAw5:/|@qSXmnz9", "mail.local -l", "SMTP",
     "-o /etc/mail/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
    {"openbsd", "/usr/libexec/mail.local", "lsDFMAw5:/|@qrn9", "mail.local -f $g $u", "X-Unix",
     "-o /etc/mail/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
    {"linux", "/usr/bin/procmail", "lsDFMAw5:/|@qSPhn9", "procmail -Y -a $h -d $u", "X-Unix",
     "-o /etc/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
    {"solaris", "/usr/lib/mail.local", "lsDFMAw5:/|@qSXmnz9", "mail.local -l", "SMTP",
     "-o /etc/mail/aliases", "/var/spool/mqueue", "/var/run/sendmail.pid"},
};

enum { SYSTEMS = sizeof systems / sizeof systems[0] };

static void set_unless(struct cfgen *g, const char *name, const char *value)
{
	if (cfgen_get(g, name).len == 0 && *value)
		cfgen_derive(g, name, span_str(value), "OS_TYPE");
}

/* An unknown system is a file of assignments, as FEATURE is one, in MASTERDIR. */
static bool read_master(struct cfgen *g, const char *variable, const char *folder)
{
	struct buf path, text;
	struct span name;
	bool ok;

	buf_init(&path, CFGEN_VALUE_MAX);
	buf_init(&text, CFGEN_DEF_MAX);
	buf_put(&path, cfgen_get(g, "MASTERDIR"));
	buf_printf(&path, "/%s%.*s", folder, SPAN_ARG(cfgen_get(g, variable)));
	name = buf_span(&path);
	ok = g->host->read_file && g->host->read_file(g->host->ctx, name, &text) && buf_ok(&text);
	if (!ok)
		cfgen_report(g, true, NULL, 0, 0, "", "%s: cannot read %.*s", variable,
			     SPAN_ARG(name));
	else if (strcmp(variable, "PROTO") == 0)
		cfgen_derive(g, "append", buf_span(&text), variable);
	else
		ok = cfgen_parse(g, buf_span(&text), variable);
	buf_free(&path);
	buf_free(&text);
	return ok;
}

static bool system_values(struct cfgen *g)
{
	struct span os = cfgen_get(g, "OS_TYPE");
	size_t i = 0;

	while (i < SYSTEMS && !span_starts(os, span_str(systems[i].name)))
		i++;
	if (i == SYSTEMS && !read_master(g, "OS_TYPE", "ostype/"))
		return false;
	i %= SYSTEMS;
	if (cfgen_get(g, "LOCAL_MAILER_PATH").len == 0) {
		set_unless(g, "LOCAL_MAILER_FLAGS", systems[i].flags);
		set_unless(g, "LOCAL_MAILER_ARGS", systems[i].args);
	}
	set_unless(g, "LOCAL_MAILER_PATH", systems[i].path);
	set_unless(g, "LOCAL_MAILER_FLAGS", "lsDFMAw5:/|@qPn9");
	set_unless(g, "LOCAL_MAILER_ARGS", "mail -d $u");
	set_unless(g, "ALIAS_FILE_PATH", systems[i].aliases);
	set_unless(g, "QUEUE_DIR", systems[i].queue);
	set_unless(g, "PID_FILE", systems[i].pid);
	/* The mailbox is the safe place where the daemon delivers into it by itself. */
	cfgen_derive(g, "local_safe", i == 0 ? SPAN("yes") : SPAN(""), "OS_TYPE");
	/* A mailer with flag z speaks LMTP, and its status codes are SMTP's. */
	cfgen_derive(g, "local_type",
		     span_index(cfgen_get(g, "LOCAL_MAILER_FLAGS"), 'z') <
			     cfgen_get(g, "LOCAL_MAILER_FLAGS").len
			 ? SPAN("SMTP")
			 : SPAN("X-Unix"),
		     "OS_TYPE");
	return true;
}

/* The type of output: "R8V8-null" is level 8, null. */
static void output_values(struct cfgen *g)
{
	struct span type = cfgen_get(g, "CF_TYPE"), level = span_cut(&type, '-');

	if (cfgen_get(g, "NULL_CLIENT").len) {
		cfgen_derive(g, "DEFAULT_RELAY", cfgen_get(g, "NULL_CLIENT"), "NULL_CLIENT");
		type = SPAN("null");
	}
	cfgen_derive(g, "output", type, "CF_TYPE");
	cfgen_derive(g, "level", span_skip(level, 3), "CF_TYPE");
	cfgen_derive(g, "canonify",
		     span_eq(type, SPAN("check")) ? SPAN("check_canonify") : SPAN("canonify"),
		     "CF_TYPE");
	cfgen_derive(g, "full", g->full ? SPAN("yes") : SPAN(""), NULL);
	cfgen_derive(g, "hdr_from", g->full ? SPAN("/HdrFrom") : SPAN(""), NULL);
	cfgen_derive(g, "hdr_to", g->full ? SPAN("/HdrTo") : SPAN(""), NULL);
	cfgen_derive(g, "direct_host",
		     span_eq(cfgen_get(g, "MX_SENDMAIL"), SPAN("no")) ? SPAN("[ $2 ]") : SPAN("$2"),
		     "MX_SENDMAIL");
}

/* "mail.example.org" as MY_NAME says the domain, too. */
static void name_values(struct cfgen *g)
{
	struct span name = cfgen_get(g, "MY_NAME"), host = name;
	struct span first = span_cut(&host, '.');

	if (host.len && cfgen_get(g, "MY_DOMAIN").len == 0)
		cfgen_derive(g, "MY_DOMAIN", host, "MY_NAME");
	if (host.len)
		cfgen_derive(g, "MY_NAME", first, g->value[cfgen_find(SPAN("MY_NAME"))].source);
	if (cfgen_get(g, "OFFICIAL_NAME").len)
		return;
	if (cfgen_get(g, "MY_DOMAIN").len)
		cfgen_derive(g, "OFFICIAL_NAME", SPAN("$w.$m"), "MY_DOMAIN");
	else if (name.len)
		cfgen_derive(g, "OFFICIAL_NAME", SPAN("$w"), "MY_NAME");
}

bool cfgen_prepare(struct cfgen *g)
{
	if (!span_starts(cfgen_get(g, "FEATURE"), SPAN("files.")) && !read_master(g, "FEATURE", ""))
		return false;
	if (!span_starts(cfgen_get(g, "PROTO"), SPAN("proto.")) && !read_master(g, "PROTO", ""))
		return false;
	output_values(g);
	name_values(g);
	return system_values(g) && cfgen_prepare_lists(g) && cfgen_prepare_relay(g) &&
	       arena_ok(&g->mem);
}
