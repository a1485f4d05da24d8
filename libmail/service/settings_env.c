/*
 * Defaults, environment and listener syntax; see service/settings.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/num.h"
#include "format/header.h"
#include "service/settings_part.h"
#include "service/smarthost.h"
#include "sys/fs.h"
#include "sys/log.h"

static bool parse_port(struct span text, uint16_t *port)
{
	uint64_t v;
	char name[32];
	struct servent *known;

	if (num_parse(text, 65535, &v)) {
		*port = (uint16_t)v;
		return true;
	}
	if (ascii_eq_nocase(text, SPAN("smtp")))
		*port = 25;
	else if (ascii_eq_nocase(text, SPAN("submission")))
		*port = 587;
	else if (span_to_cstr(text, name, sizeof name) && (known = getservbyname(name, "tcp")))
		*port = ntohs((uint16_t)known->s_port);
	else
		return false;
	return true;
}

/* "127.0.0.1:25", "[::1]:25", ":25", "25": the port stands behind the last colon. */
static bool parse_plain(struct settings_listener *l, struct span text)
{
	size_t colon = text.len;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (!parse_port(span_skip(text, colon), &l->port))
		return false;
	if (colon == 0)
		return true;
	text = span_head(text, colon - 1);
	if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = span_make(text.ptr + 1, text.len - 2);
	if (span_eq(text, SPAN("*")))
		text.len = 0;
	return span_to_cstr(span_trim(text), l->addr, sizeof l->addr);
}

static bool parse_pairs(struct settings_listener *l, struct span text, struct err *e)
{
	while (text.len) {
		struct span value = span_cut(&text, ','), key = span_trim(span_cut(&value, '='));

		value = span_trim(value);
		if (key.len == 0)
			continue;
		/*
		 * The first letter decides, as in sendmail: "Port=", "P=" and "port=" are
		 * the same.
		 */
		switch (ascii_lower(key.ptr[0])) {
		case 'p':
			if (!parse_port(value, &l->port))
				return err_perm(e, "5.3.5", "service \"%.*s\" unknown",
						SPAN_ARG(value));
			break;
		case 'a':
			if (!span_to_cstr(value, l->addr, sizeof l->addr))
				return false;
			break;
		case 'n':
			if (!span_to_cstr(value, l->name, sizeof l->name))
				return false;
			break;
		case 'f':
			l->family = ascii_eq_nocase(value, SPAN("inet"))    ? 4
				    : ascii_eq_nocase(value, SPAN("inet6")) ? 6
									    : 0;
			if (!l->family && !ascii_eq_nocase(value, SPAN("any")))
				return err_perm(e, "5.3.5",
						"Unknown address family %.*s in Family=option",
						SPAN_ARG(value));
			break;
		case 'm':
			l->tls = span_index(value, 's') < value.len;
			span_to_cstr(span_head(value, sizeof l->modifiers - 1), l->modifiers,
				     sizeof l->modifiers);
			break;
		default: /* Listen, SendBufferSize...: no effect here */
			break;
		}
	}
	return true;
}

enum { SMTPS_PORT = 465 }; /* RFC 8314 */

/* An entry that fails is not counted, and the next one takes its place. */
bool settings_add_listener(struct settings *s, struct span text, struct err *e)
{
	struct settings_listener *l = &s->listeners[s->listener_count];
	bool ok;

	if (s->listener_count == SETTINGS_LISTENERS_MAX)
		return err_perm(e, "5.3.5", "more than %d listeners", SETTINGS_LISTENERS_MAX);
	*l = (struct settings_listener){.name = "MTA", .port = 25};
	err_perm(e, "5.3.5", "listener \"%.*s\": want ADDR:PORT or Port=N,Addr=A,Name=X",
		 (int)(text.len < 60 ? text.len : 60), text.ptr ? text.ptr : "");
	/* A comma would make other pairs of it when a role is told. */
	if (span_index(text, '=') < text.len) {
		ok = parse_pairs(l, text, e);
	} else {
		ok = span_index(text, ',') == text.len && parse_plain(l, text);
		l->tls = l->port == SMTPS_PORT;
	}
	s->listener_count += ok;
	return ok;
}

static const struct {
	const char *variable, *option;
} variables[] = {
    {"LETTERBOX_HOSTNAME", "Hostname"},     {"LETTERBOX_DOMAIN", "Domain"},
    {"LETTERBOX_LOCAL", "LocalDomains"},    {"LETTERBOX_QUEUE", "QueueDirectory"},
    {"LETTERBOX_USERS", "UsersFile"},       {"LETTERBOX_MAILBOX", "Mailbox"},
    {"LETTERBOX_ALIASES", "AliasFile"},     {"LETTERBOX_TLS_CERT", "ServerCertFile"},
    {"LETTERBOX_TLS_KEY", "ServerKeyFile"}, {"LETTERBOX_LISTEN", NULL},
    {"LETTERBOX_RELAY", "Relay"},
};

static bool set_listeners(struct settings *s, struct span value, struct err *e)
{
	while (value.len) {
		size_t end = 0;

		while (end < value.len && value.ptr[end] != ' ' && value.ptr[end] != ',')
			end++;
		if (end && !settings_set(s, SPAN("DaemonPortOptions"), span_head(value, end), e))
			return false;
		value = span_skip(value, end + 1);
	}
	return true;
}

/*
 * The value of a variable, or the first line of the file that its _FILE twin names: how
 * container engines hand in secrets.
 */
bool settings_variable(const char *name, struct buf *out, bool *found, struct err *e)
{
	const char *value = getenv(name);
	char twin[64];

	buf_reset(out);
	*found = true;
	if (value) {
		buf_puts(out, value);
		return true;
	}
	snprintf(twin, sizeof twin, "%s_FILE", name);
	value = getenv(twin);
	if (!value) {
		*found = false;
		return true;
	}
	if (!fs_read_all(AT_FDCWD, value, FS_FOLLOW, out, e)) {
		err_prefix(e, twin);
		return false;
	}
	buf_truncate(out, span_index(buf_span(out), '\n'));
	return true;
}

static bool read_environment(struct settings *s, struct err *e)
{
	char mem[4096];
	struct smarthost url;
	struct buf value;
	bool found, ok;

	buf_init_fixed(&value, mem, sizeof mem);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		if (!settings_variable(variables[i].variable, &value, &found, e))
			return false;
		/* Set but empty is as good as unset, which compose files cannot tell apart. */
		if (!found || value.len == 0)
			continue;
		ok = variables[i].option
			 ? settings_set(s, span_str(variables[i].option), buf_span(&value), e)
			 : set_listeners(s, buf_span(&value), e);
		if (!ok) {
			err_prefix(e, variables[i].variable);
			return false;
		}
	}
	/* Now, and not with the first message for another host. */
	if (s->relay[0] && !smarthost_parse(span_str(s->relay), &url, e)) {
		err_prefix(e, "LETTERBOX_RELAY");
		return false;
	}
	return true;
}

static void default_hostname(struct settings *s)
{
	char name[SETTINGS_NAME_MAX];

	if (gethostname(name, sizeof name) != 0 || !name[0])
		memcpy(name, "localhost", 10);
	name[sizeof name - 1] = '\0';
	memcpy(s->hostname, name, sizeof name);
}

/* sendmail's defaults where there are such; sizes in octets, times in seconds. */
bool settings_init(struct settings *s, struct err *e)
{
	*s = (struct settings){
	    .queue = "/var/spool/letterbox",
	    .aliases = "-o /etc/aliases",
	    .forward = "$z/.forward.$w+$h:$z/.forward+$h:$z/.forward.$w:$z/.forward",
	    .max_message = 100 << 20,
	    .max_rcpts = 1000,
	    .max_sessions = 1100,
	    .max_bad_rcpts = 100,
	    .max_headers = HEADER_TOTAL_MAX,
	    .max_hops = 100,
	    .min_free = 100,
	    .log_level = 9,
	    .timeout_command_s = 300,
	    .timeout_data_s = 300,
	    .timeout_message_s = 6 * 3600,
	    .timeout_session_s = 4 * 3600,
	    .queue_return_s = 5 * 86400,
	    .queue_warn_s = 4 * 3600,
	    .retry_min_s = 5 * 60,
	    .retry_max_s = 4 * 3600,
	    .delivery_mode = 'i',
	    .supersafe = 'i',
	    .error_mode = 'p',
	};
	default_hostname(s);
	return read_environment(s, e);
}

/* sendmail's levels: 0 and 1 what breaks mail, up to 4 what is wrong, 9 every message. */
void settings_use_log(const struct settings *s)
{
	log_set_level(s->log_level < 2    ? LOG_L_ERR
		      : s->log_level < 5  ? LOG_L_WARN
		      : s->log_level < 10 ? LOG_L_INFO
					  : LOG_L_DEBUG);
	if (s->tag[0])
		log_set_name(s->tag);
}
