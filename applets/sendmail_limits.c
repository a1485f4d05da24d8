/*
 * sendmail -d0.1: what this program is, what it takes itself for, and the table of limits.
 *
 * The table has no number of its own: what is fixed comes from the header of the module
 * that obeys it, what can be chosen from the settings.  The tests read it and try each
 * limit, so a row must not promise what does not happen.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "format/address.h"
#include "popd.h"
#include "popd_net.h"
#include "sendmail.h"
#include "service/forward.h"
#include "service/smtpd.h"

enum { FIXED, OPTION };

static const struct limit {
	const char *what;
	uint8_t kind;
	uint32_t value; /* OPTION: where it is in struct settings */
	const char *unit, *beyond, *why;
} limits[] = {
#define IS(n) FIXED, n
#define AT(f) OPTION, offsetof(struct settings, f)
    {"SMTP command", IS(LINE_SENDMAIL_MAX), "octets", "421 4.7.0", "RFC 5321 4.5.3.1.4: 512"},
    {"SMTP AUTH line", IS(LINE_AUTH_MAX), "octets", "421 4.7.0", "RFC 4954 4"},
    {"SMTP reply", IS(SMTP_REPLY_MAX), "octets", "cut", "RFC 5321 4.5.3.1.5"},
    {"HELO name", IS(SMTP_HELO_MAX), "octets", "501 5.0.0", "RFC 5321 4.5.3.1.2"},
    {"local part", IS(ADDRESS_LOCAL_MAX), "octets", "taken whole", "RFC 5321 4.5.3.1.1"},
    {"path", IS(SMTP_PATH_MAX), "octets", "553 5.1.0", "RFC 5321 4.5.3.1.3"},
    {"ENVID", IS(SMTP_ENVID_MAX), "octets", "501 5.5.4", "RFC 3461 4.4"},
    {"ORCPT", IS(SMTP_ORCPT_MAX), "octets", "501 5.5.4", "RFC 3461 4.2"},
    {"text line", IS(LINE_TEXT_MAX), "octets", "taken whole", "RFC 5321 4.5.3.1.6"},
    {"MaxHeadersLength", AT(max_headers), "octets", "552 5.6.0", "as sendmail"},
    {"MaxMessageSize", AT(max_message), "octets", "552 5.2.3", "RFC 1870 6"},
    {"MaxHopCount", AT(max_hops), "fields", "554 5.4.6", "RFC 5321 6.3: at least 100"},
    {"MaxRecipientsPerMessage", AT(max_rcpts), "", "452 4.5.3", "RFC 5321 4.5.3.1.8: 100"},
    {"recipients in memory", IS(SMTPD_ENVELOPES_MAX), "octets", "452 4.3.1", "all sessions"},
    {"MinFreeBlocks", AT(min_free), "4 KiB", "452 4.3.1", "RFC 1870 6.1; less is beyond"},
    {"MaxDaemonChildren", AT(max_sessions), "sessions", "421 4.3.2", "RFC 5321 7.8"},
    {"MaxSessionsPerSource", AT(max_per_source), "sessions", "421 4.3.2", "RFC 5321 7.8"},
    {"ConnectionRateThrottle", AT(max_rate), "a minute", "421 4.3.2", "of one source"},
    {"bad commands", IS(SMTP_BAD_COMMANDS_MAX), "", "421 4.7.0", "as sendmail"},
    {"MaxBadRecipients", AT(max_bad_rcpts), "", "421 4.7.0", "RFC 5321 7.3"},
    {"Timeout.command", AT(timeout_command_s), "s", "421 4.4.2", "RFC 5321 4.5.3.2.7: 5 m"},
    {"Timeout.datablock", AT(timeout_data_s), "s", "421 4.4.2", "RFC 5321 4.5.3.2.5: 3 m"},
    {"Timeout.message", AT(timeout_message_s), "s", "421 4.4.2", "ours"},
    {"Timeout.session", AT(timeout_session_s), "s", "421 4.4.2", "ours"},
    {"input not yet run", IS(SMTPD_IN_MAX), "octets", "client waits", "memory of a session"},
    {"replies not yet read", IS(SMTPD_OUT_STEP), "octets", "client waits", "likewise"},
    {"submitted recipients", IS(SENDMAIL_RCPTS_MAX), "", "status 64", "memory"},
    {"submitted header", IS(SENDMAIL_HEADER_MAX), "octets", "status 65", "memory"},
    {"user's ~/.forward", IS(FORWARD_MAX), "octets", "is none", "memory"},
    {"recipients of a queue file", IS(QUEUE_RCPTS_MAX), "", "not read", "memory"},
    {"POP3 line", IS(POP3_LINE_MAX), "octets", "-ERR", "RFC 2449 4: 255"},
    {"POP3 reply", IS(POP3_REPLY_MAX), "octets", "cut", "RFC 2449 4"},
    {"POP3 name, password", IS(POP3_USER_MAX), "octets", "-ERR", "the line's"},
    {"POP3 bad commands", IS(POP3_BAD_MAX), "in a row", "-ERR, closed", "no client does it"},
    {"POP3 refused logins", IS(POP3_FAILED_MAX), "", "-ERR, closed", "against guessing"},
    {"POP3 refusal's delay", IS(POPD_DELAY_MS), "ms", "", "against guessing"},
    {"popd -n", IS(POPD_SESSIONS), "sessions", "-ERR [SYS/TEMP]", "descriptors"},
    {"popd -T", IS(POPD_IDLE_S), "s", "-ERR, closed", "RFC 1939 3: at least 10 m"},
    {"passwords checked", IS(POPD_CHECKS_MAX), "at once", "client waits", "processor time"},
    {"logins waiting", IS(POPD_WAITING_MAX), "", "-ERR [LOGIN-DELAY]", "RFC 2449 8.1.1"},
#undef IS
#undef AT
};

static void put_identity(const struct settings *s)
{
	const char *dot = strchr(s->hostname, '.');
	int n = dot ? (int)(dot - s->hostname) : (int)strlen(s->hostname);

	printf("\n============ SYSTEM IDENTITY (after readcf) ============\n"
	       "      (short domain name) $w = %.*s\n"
	       "  (canonical domain name) $j = %s\n"
	       "         (subdomain name) $m = %s\n"
	       "              (node name) $k = %s\n"
	       "========================================================\n\n",
	       n, s->hostname, s->hostname, dot ? dot + 1 : "<null>", s->hostname);
}

static void put_limits(const struct settings *s)
{
	printf("Version letterbox-%s\n"
	       " Compiled with: DNSMAP LOG NAMED_BIND NETINET NETINET6 NETUNIX PIPELINING\n"
	       "\t\tSTARTTLS\n",
	       LETTERBOX_VERSION);
	put_identity(s);
	printf("%-27s %9s %-8s  %-18s  %s\n", "limit", "value", "", "beyond it", "reason");
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const struct limit *l = &limits[i];
		const char *at = (const char *)s + l->value;
		uint64_t v = l->kind == OPTION ? *(const uint64_t *)(const void *)at : l->value;

		printf("%-27s %9llu %-8s  %-18s  %s\n", l->what, (unsigned long long)v, l->unit,
		       v ? l->beyond : "no limit", l->why);
	}
	putchar('\n');
	fflush(stdout);
}

/* "0.1", "0-99.1", "21.12,0.4"; nothing is everything at level 1. */
static bool names_zero(struct span list)
{
	if (list.len == 0)
		return true;
	while (list.len) {
		struct span level = span_cut(&list, ','), range = span_cut(&level, '.');

		if (span_eq(span_cut(&range, '-'), SPAN("0")) && !span_eq(level, SPAN("0")))
			return true;
	}
	return false;
}

void sendmail_debug(const struct settings *s, const char *debug)
{
	if (debug && names_zero(span_str(debug)))
		put_limits(s);
}
