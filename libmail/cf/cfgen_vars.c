/*
 * The table of variables, in the order of the standard file; see cf/cfgen_part.h.
 *
 * Rows are looked up by name, also from the template: a variable is one row here, and a
 * place in the template.
 */
#include "base/ascii.h"
#include "cf/cfgen_part.h"

const struct cfgen_variable cfgen_variables[] = {
    {"", NULL, NULL, "version"},
    {"CF_TYPE",
     "R8V10|R8V8|R8V7|R8V6|R8V10-null|R8V8-null|R8V7-null|R8V6-null|R8V10-check|R8V8-check|"
     "R8V7-check",
     "R8V10",
     "R8V10, R8V8, R8V7, R8V6: for sendmail 8.12, 8.9, 8.8, 8.7 and up; -null: all to one "
     "host; -check: only the check_ rulesets"},
    {"VENDER_CODE", "1", "Berkeley", "vendor on the V line"},
    {"VERSION", "1", "3.7W", "version shown in Received: fields"},
    {"VERSION_SEPARATOR", "", "", "between it and LOCAL_VERSION"},
    {"LOCAL_VERSION", "", "", "your own part of it"},
    {"DEF_ID", "", "", "a comment at the head of the sendmail.cf"},
    {"MASTERDIR", "1", "./Master", "where other OS_TYPE, FEATURE and PROTO files are"},
    {"TOOLDIR", "1", "./Tools", "noted only: no tools are needed"},
    {"PROTO", "1", "proto.v8", "proto.*: what is built in; else a file of lines to append"},
    {"FEATURE", "1", "files.v8", "files.*: what is built in; else a file of assignments"},
    {"", NULL, NULL, "ostype"},
    {"OS_TYPE", "1", "letterbox", "paths and local mailer: letterbox, bsd*, linux*, solaris*"},
    {"LOCAL_MAILER_PATH", "1", "", "program that delivers; OS_TYPE knows it"},
    {"LOCAL_MAILER_FLAGS", "1", "", "its F="},
    {"LOCAL_MAILER_ARGS", "", "", "its A="},
    {"ALIAS_FILE_PATH", "*", "", "aliases; OS_TYPE knows it"},
    {"QUEUE_DIR", "1", "", "the queue; OS_TYPE knows it"},
    {"PID_FILE", "1", "", "file for the daemon's process id"},
    {"", NULL, NULL, "names of this host"},
    {"MX_SENDMAIL", "yes|no", "yes", "find other hosts by MX records"},
    {"MY_DOMAIN", "1", "", "$m, our domain; found when not set"},
    {"MY_NAME", "1", "", "$w, our name without domain; found when not set"},
    {"OFFICIAL_NAME", "1", "", "$j, our full name; $w.$m when MY_DOMAIN is set"},
    {"MY_ALIAS", "*", "", "other names of this host"},
    {"USE_cw_FILECLASS", "yes|no", "no", "read names of this host from a file"},
    {"cw_FILE_PATH", "", "/etc/sendmail.cw", "that file, a name a line; '-o PATH': if it is there"},
    {"ACCEPT_OFFICIAL", "yes|no", "yes", "accept user@$j here"},
    {"ALIAS_REWRITE", "yes|no", "yes", "other names of this host become $j in headers"},
    {"", NULL, NULL, "addresses"},
    {"FROM_ADDRESS", "1", "$j", "domain of senders of this host: $m, $w.$m, $j or a name"},
    {"RECIPIENT_GENERIC", "yes|no", "no", "recipients without domain get it, too; no: $j"},
    {"REWRITE_GENERIC_FROM", "yes|no|lower", "no",
     "senders at this host (lower: at any host below FROM_ADDRESS) get it"},
    {"REWRITE_GENERIC_TO", "yes|no|lower", "no", "the same for recipients in headers"},
    {"REWRITE_LOCAL_ON_RELAY", "yes|no|generic", "no",
     "header addresses without domain in mail from elsewhere: $j, left, FROM_ADDRESS"},
    {"MASQUERADE_DOMAINS", "*", "", "senders in and below these get FROM_ADDRESS"},
    {"MASQUERADE_MAP", "1", "", "type:file; user or user@domain to the sender's address"},
    {"", NULL, NULL, "mail for here"},
    {"ACCEPT_ADDRS", "*", "", "domains whose users are ours, as '$m'"},
    {"ACCEPT_LOWER", "yes|no", "no", "also domains below them"},
    {"SPOOL_HOST", "1", "", "host, or mailer:host, that has their mailboxes"},
    {"VIRTUAL_DOMAINS", "*", "", "domains whose addresses a table lists"},
    {"VIRTUAL_MAP", "1", "", "type:file; user@domain or @domain (%1: the user) to an address"},
    {"USERTABLE_MAPS", "*", "", "domain=type:file[:error], several; see cfgen(8)"},
    {"SINK", "1", "", "all mail into this user's mailbox; discard: nowhere"},
    {"", NULL, NULL, "mail for elsewhere"},
    {"DEFAULT_RELAY", "1", "", "smart host: HOST, mailer:HOST, smtp[s]://[USER@]HOST[:PORT]"},
    {"RELAY_USER", "1", "", "name for AUTH there"},
    {"RELAY_PASSWORD", "", "", "its password, readable in the sendmail.cf; better:"},
    {"RELAY_AUTH_MAP", "1", "", "type:file; AuthInfo:HOST to \"U:user\" \"P:password\""},
    {"NULL_CLIENT", "1", "", "as CF_TYPE *-null and DEFAULT_RELAY: all mail goes there"},
    {"DIRECT_DELIVER_DOMAINS", "*", "",
     "all, none, or domains not sent to DEFAULT_RELAY; all when there is no relay"},
    {"STATIC_ROUTE_FILE", "*", "", "files of routes: GW mailer:host, then DOM domain... lines"},
    {"BITNET", "1", "no", ".BITNET: no (refused), mx (a domain as any), or mailer:host"},
    {"REJECT_JUNET", "yes|no", "no", "refuse .junet"},
    {"", NULL, NULL, "who may relay"},
    {"MAIL_RELAY_RESTRICTION", "yes|no", "yes", "no: an open relay"},
    {"LOCAL_HOST_IPADDR", "1", "", "file: addresses, or their first parts, that may relay"},
    {"LOCAL_HOST_DOMAIN", "1", "", "file: domains whose hosts may relay"},
    {"ALLOW_RELAY_TO", "*", "", "domains, or a file of domains, relayed to for anybody"},
    {"ALLOW_RELAY_FROM", "*", "", "addresses and domains as in those two files"},
    {"DNS_BLOCKLISTS", "*", "", "zones; a client listed in one is refused"},
    {"PRIVACY_FLAGS", "", "authwarnings", "PrivacyOptions"},
    {"", NULL, NULL, "the daemon"},
    {"LISTEN", "*", "", "ADDR:PORT, several"},
    {"TLS_CERT", "1", "", "certificate, PEM"},
    {"TLS_KEY", "1", "", "its key, PEM"},
    {"TLS_CA", "1", "", "certificates to verify others by"},
    {"MAX_MESSAGE_SIZE", "#", "", "octets"},
    {"MAX_RECIPIENTS", "#", "", "of a message"},
    {"MAX_CHILDREN", "#", "", "sessions at once"},
    {"CONNECTION_RATE", "#", "", "new connections a second"},
    {"MILTERS", "|", "", "inet:PORT@HOST or unix:PATH, several: asked about each message"},
    {"MILTER_DEFAULT_ACTION", "tempfail|reject|accept", "tempfail",
     "what becomes of mail when one cannot be reached"},
    {"LOCAL_CONFIG", "|", "", "lines for the sendmail.cf as they are, each ending in \\"},
    {"relays", "|", "", NULL},
    {"options", "|", "", NULL},
    {"routes", "|", "", NULL},
    {"routes_below", "|", "", NULL},
    {"classes", "|", "", NULL},
    {"maps", "|", "", NULL},
    {"daemon", "|", "", NULL},
    {"mailers", "|", "", NULL},
    {"user_maps", "|", "", NULL},
    {"full", "", "", NULL},
    {"output", "", "", NULL},
    {"level", "", "", NULL},
    {"canonify", "", "", NULL},
    {"hdr_from", "", "", NULL},
    {"hdr_to", "", "", NULL},
    {"direct", "", "", NULL},
    {"direct_host", "", "", NULL},
    {"local_type", "", "", NULL},
    {"local_safe", "", "", NULL},
    {"relay_host", "", "", NULL},
    {"relay_url", "", "", NULL},
    {"relay_name", "", "", NULL},
    {"relay_tls", "", "", NULL},
    {"relay_auth", "", "", NULL},
    {"relay_secret", "", "", NULL},
    {"spool_name", "", "", NULL},
    {"rename", "", "", NULL},
    {"append", "", "", NULL},
    {NULL, NULL, NULL, NULL},
};

int cfgen_find(struct span name)
{
	for (int i = 0; name.len && cfgen_variables[i].name; i++)
		if (span_eq(name, span_str(cfgen_variables[i].name)))
			return i;
	return -1;
}

/* Edit distance but for case, each octet one step; a table row at a time. */
static size_t distance(struct span a, struct span b)
{
	unsigned char row[64];

	if (a.len >= sizeof row || b.len >= sizeof row)
		return sizeof row;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned char)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned char corner = row[0];

		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = ascii_lower(a.ptr[i - 1]) == ascii_lower(b.ptr[j - 1]);
			unsigned char best = (unsigned char)(corner + !same);

			corner = row[j];
			if (row[j] + 1 < best)
				best = (unsigned char)(row[j] + 1);
			if (row[j - 1] + 1 < best)
				best = (unsigned char)(row[j - 1] + 1);
			row[j] = best;
		}
	}
	return row[b.len];
}

/* A third of the name may be wrong: more is another word, and no help. */
const char *cfgen_nearest(struct span name)
{
	const char *best = NULL;
	size_t least = name.len / 3 + 1;

	for (int i = 0; cfgen_variables[i].name; i++) {
		const struct cfgen_variable *v = &cfgen_variables[i];
		size_t d = v->help && *v->name ? distance(name, span_str(v->name)) : least;

		if (d < least) {
			least = d;
			best = v->name;
		}
	}
	return best;
}
