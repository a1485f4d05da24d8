/*
 * The table of options; see service/settings.h.  Environment and listener
 * syntax are in settings_env.c.
 */
#include "service/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "service/settings_part.h"

enum kind { TEXT, LIST, NUMBER, INTERVAL, LETTER, FLAG, PRIVACY, LISTENER };

struct option {
	const char *name;
	uint8_t own; /* and no option of sendmail's */
	uint8_t kind;
	uint16_t at;   /* offset in struct settings */
	uint32_t size; /* TEXT, LIST: its array; INTERVAL: default unit in seconds */
};

/*
 * An option is a row: name, kind and place. Reading, listing and handing over to the roles
 * all go through the table, so a new option is one row and one field.
 */
#define AT(field)       offsetof(struct settings, field)
#define TEXT_AT(field)  TEXT, AT(field), sizeof((struct settings *)0)->field
#define RELAY_AT(phase) INTERVAL, AT(timeout_relay_s[phase]), 60
#define LIST_AT(field)  LIST, AT(field), sizeof((struct settings *)0)->field

#define OWN true

static const struct option options[] = {
    {"Hostname", OWN, TEXT_AT(hostname)},
    {"Domain", OWN, TEXT_AT(domain)},
    {"SenderDomain", OWN, TEXT_AT(sender_domain)},
    {"LocalDomains", OWN, LIST_AT(local)},
    {"Relay", OWN, TEXT_AT(relay)},
    {"QueueDirectory", 0, TEXT_AT(queue)},
    {"UsersFile", OWN, TEXT_AT(users)},
    {"Mailbox", OWN, TEXT_AT(mailbox)},
    {"AliasFile", 0, TEXT_AT(aliases)},
    {"ForwardPath", 0, TEXT_AT(forward)},
    {"PidFile", 0, TEXT_AT(pid_file)},
    {"ServerCertFile", 0, TEXT_AT(cert)},
    {"ServerKeyFile", 0, TEXT_AT(key)},
    {"CACertFile", 0, TEXT_AT(ca)},
    {"TrustedUsers", OWN, LIST_AT(trusted)},
    {"PrivacyOptions", 0, PRIVACY, AT(privacy), 0},
    {"LogTag", OWN, TEXT_AT(tag)},
    {"Programs", OWN, LIST_AT(programs)},
    {"ProgramFolder", OWN, TEXT_AT(program_folder)},
    {"DefaultUser", 0, TEXT_AT(default_user)},
    {"DaemonPortOptions", 0, LISTENER, 0, 0},
    {"MaxMessageSize", 0, NUMBER, AT(max_message), 0},
    {"MaxRecipientsPerMessage", 0, NUMBER, AT(max_rcpts), 0},
    {"MaxDaemonChildren", 0, NUMBER, AT(max_sessions), 0},
    {"MaxSessionsPerSource", OWN, NUMBER, AT(max_per_source), 0},
    {"ConnectionRateThrottle", 0, NUMBER, AT(max_rate), 0},
    {"MaxBadRecipients", OWN, NUMBER, AT(max_bad_rcpts), 0},
    {"MaxHeadersLength", 0, NUMBER, AT(max_headers), 0},
    {"MaxHopCount", 0, NUMBER, AT(max_hops), 0},
    {"MinFreeBlocks", 0, NUMBER, AT(min_free), 0},
    {"LogLevel", 0, NUMBER, AT(log_level), 0},
    {"Timeout.command", 0, INTERVAL, AT(timeout_command_s), 60},
    {"Timeout.datablock", 0, INTERVAL, AT(timeout_data_s), 60},
    {"Timeout.message", 0, INTERVAL, AT(timeout_message_s), 60},
    {"Timeout.session", 0, INTERVAL, AT(timeout_session_s), 60},
    {"Timeout.connect", 0, INTERVAL, AT(timeout_connect_s), 60},
    {"Timeout.iconnect", 0, INTERVAL, AT(timeout_iconnect_s), 60},
    {"Timeout.aconnect", 0, INTERVAL, AT(timeout_aconnect_s), 60},
    {"Timeout.hoststatus", 0, INTERVAL, AT(timeout_hoststatus_s), 60},
    {"Timeout.initial", 0, RELAY_AT(SMTP_PHASE_INITIAL)},
    {"Timeout.helo", 0, RELAY_AT(SMTP_PHASE_HELO)},
    {"Timeout.starttls", 0, RELAY_AT(SMTP_PHASE_STARTTLS)},
    {"Timeout.auth", 0, RELAY_AT(SMTP_PHASE_AUTH)},
    {"Timeout.mail", 0, RELAY_AT(SMTP_PHASE_MAIL)},
    {"Timeout.rcpt", 0, RELAY_AT(SMTP_PHASE_RCPT)},
    {"Timeout.datainit", 0, RELAY_AT(SMTP_PHASE_DATAINIT)},
    {"Timeout.datafinal", 0, RELAY_AT(SMTP_PHASE_DATAFINAL)},
    {"Timeout.rset", 0, RELAY_AT(SMTP_PHASE_RSET)},
    {"Timeout.quit", 0, RELAY_AT(SMTP_PHASE_QUIT)},
    {"Timeout.queuereturn", 0, INTERVAL, AT(queue_return_s), 86400},
    {"Timeout.queuewarn", 0, INTERVAL, AT(queue_warn_s), 3600},
    {"MinQueueAge", 0, INTERVAL, AT(retry_min_s), 60},
    {"MaxQueueAge", 0, INTERVAL, AT(retry_max_s), 60},
    {"DeliveryMode", 0, LETTER, AT(delivery_mode), 0},
    {"SuperSafe", 0, LETTER, AT(supersafe), 0},
    {"ErrorMode", 0, LETTER, AT(error_mode), 0},
    {"IgnoreDots", 0, FLAG, AT(ignore_dots), 0},
    {"Verbose", 0, FLAG, AT(verbose), 0},
    {"NoTLS", OWN, FLAG, AT(no_tls), 0},
    {"UnixTargets", OWN, FLAG, AT(unix_targets), 0},
    {"ConfigFile", OWN, TEXT_AT(config)},
    {"Checks", OWN, NUMBER, AT(checks), 0},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static const struct option *find(struct span name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (ascii_eq_nocase(name, span_str(options[i].name)))
			return &options[i];
	return NULL;
}

bool settings_is_own(struct span name)
{
	const struct option *o = find(name);

	return o && o->own;
}

static bool bad_value(const struct option *o, struct span value, const char *want, struct err *e)
{
	return err_perm(e, "5.3.5", "option %s: \"%.*s\" is not %s", o->name,
			(int)(value.len < 60 ? value.len : 60), value.ptr ? value.ptr : "", want);
}

/* Lists grow: "-O LocalDomains=a -O LocalDomains=b" means both; blanks and commas separate. */
static bool add_to_list(char *list, size_t cap, struct span value)
{
	size_t len = strlen(list);

	if (value.len + 2 > cap - len)
		return false;
	if (len)
		list[len++] = ' ';
	for (size_t i = 0; i < value.len; i++)
		list[len++] = value.ptr[i] == ',' ? ' ' : value.ptr[i];
	list[len] = '\0';
	return true;
}

static bool is_true(struct span value)
{
	return value.len == 0 || memchr("tTyY1", value.ptr[0], 5) != NULL;
}

static bool store(struct settings *s, const struct option *o, struct span value, struct err *e)
{
	char *at = (char *)s + o->at, bad;

	switch ((enum kind)o->kind) {
	/*
	 * Values may be cut in messages, never in the settings: a path that was cut is
	 * another one.
	 */
	case TEXT:
		return span_to_cstr(value, at, o->size) || bad_value(o, value, "short enough", e);
	case LIST:
		return add_to_list(at, o->size, value) || bad_value(o, value, "short enough", e);
	case NUMBER:
		/* All numbers are stored as 64 bits, so one pointer type serves. */
		if (num_parse(value, UINT32_MAX, (uint64_t *)(void *)at))
			return true;
		bad_value(o, value, "a number", e);
		e->sys = EINVAL;
		return false;
	case INTERVAL:
		return num_parse_interval(value, o->size, (uint64_t *)(void *)at, &bad) ||
		       bad_value(o, value, "a time such as 1h30m", e);
	case LETTER:
		*at = value.len ? ascii_lower(value.ptr[0]) : '\0';
		return true;
	case FLAG:
		*(bool *)at = is_true(value);
		return true;
	case PRIVACY:
		return settings_add_privacy((uint32_t *)(void *)at, value, e);
	case LISTENER:
		return settings_add_listener(s, value, e);
	}
	return true;
}

bool settings_set(struct settings *s, struct span name, struct span value, struct err *e)
{
	const struct option *o = find(name);

	if (o) {
		s->given |= 1ull << (o - options);
		return store(s, o, value, e);
	}
	err_perm(e, "5.3.5", "unknown option name %.*s", (int)(name.len < 60 ? name.len : 60),
		 name.ptr ? name.ptr : "");
	e->sys = ENOENT;
	return false;
}

bool settings_given(const struct settings *s, const char *name)
{
	const struct option *o = find(span_str(name));

	return o && s->given >> (o - options) & 1;
}

bool settings_set_default(struct settings *s, struct span name, struct span value, struct err *e)
{
	const struct option *o = find(name);

	if (o && s->given >> (o - options) & 1)
		return true;
	return o ? store(s, o, value, e) : settings_set(s, name, value, e);
}

bool settings_assign(struct settings *s, struct span assignment, struct err *e)
{
	struct span name = span_cut(&assignment, '=');

	return settings_set(s, span_trim(name), span_trim(assignment), e);
}

/* Written so that settings_set reads it back: this is how a role gets its settings. */
static void each_listener(const struct settings *s,
			  void (*each)(void *arg, const char *name, struct span value), void *arg)
{
	char text[160];

	for (uint32_t i = 0; i < s->listener_count; i++) {
		const struct settings_listener *l = &s->listeners[i];

		snprintf(text, sizeof text, "Name=%s,Addr=%s,Port=%u,M=%s,Family=%s", l->name,
			 l->addr, l->port, l->modifiers[0] || !l->tls ? l->modifiers : "s",
			 l->family == 4   ? "inet"
			 : l->family == 6 ? "inet6"
					  : "any");
		each(arg, "DaemonPortOptions", span_str(text));
	}
}

void settings_each(const struct settings *s,
		   void (*each)(void *arg, const char *name, struct span value), void *arg)
{
	char text[256];
	struct buf words;

	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];
		const char *at = (const char *)s + o->at;

		if (o->kind == TEXT || o->kind == LIST) {
			if (*at)
				each(arg, o->name, span_str(at));
		} else if (o->kind == NUMBER || o->kind == INTERVAL) {
			/* Intervals are in seconds now, whatever unit they were given in. */
			snprintf(text, sizeof text, "%llu%s",
				 (unsigned long long)*(const uint64_t *)(const void *)at,
				 o->kind == INTERVAL ? "s" : "");
			each(arg, o->name, span_str(text));
		} else if (o->kind == LETTER && *at) {
			each(arg, o->name, span_make(at, 1));
		} else if (o->kind == PRIVACY && s->privacy) {
			buf_init_fixed(&words, text, sizeof text);
			settings_put_privacy(s->privacy, &words);
			each(arg, o->name, buf_span(&words));
		} else if (o->kind == FLAG) {
			each(arg, o->name, *(const bool *)at ? SPAN("true") : SPAN("false"));
		}
	}
	each_listener(s, each, arg);
}

bool settings_is_local(const struct settings *s, struct span domain)
{
	/* A final dot is the same domain (RFC 1034 section 3.1); no domain is our own. */
	struct span list = span_str(s->local);

	if (domain.len && domain.ptr[domain.len - 1] == '.')
		domain.len--;
	if (domain.len == 0 || ascii_eq_nocase(domain, span_str(s->hostname)) ||
	    ascii_eq_nocase(domain, SPAN("localhost")))
		return true;
	while (list.len)
		if (ascii_eq_nocase(domain, span_cut(&list, ' ')))
			return true;
	return false;
}

struct span settings_domain(const struct settings *s)
{
	return span_str(s->domain[0] ? s->domain : s->hostname);
}

struct span settings_sender_domain(const struct settings *s)
{
	return s->sender_domain[0] ? span_str(s->sender_domain) : settings_domain(s);
}
