/*
 * settings: what the administrator chose, in one record.
 *
 * Filled from the built-in defaults, then LETTERBOX_* variables (each also as
 * NAME_FILE, whose first line is the value), then options by their sendmail names
 * (-O Name=value, -ox).  Roles get it option by option as text (settings_each), so
 * there is one parser.  Sizes are RFC limits or paths; nothing here allocates.
 */
#ifndef LETTERBOX_SERVICE_SETTINGS_H
#define LETTERBOX_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/smtp_client.h"

enum {
	SETTINGS_NAME_MAX = 256, /* a domain, RFC 5321 4.5.3.1.2 */
	SETTINGS_PATH_MAX = 256,
	SETTINGS_LIST_MAX = 1024, /* a list of domains */
	SETTINGS_LISTENERS_MAX = 8,
};

/* Words of PrivacyOptions. */
enum settings_privacy {
	PRIVACY_NEEDMAILHELO = 1 << 0,
	PRIVACY_NEEDEXPNHELO = 1 << 1,
	PRIVACY_NEEDVRFYHELO = 1 << 2,
	PRIVACY_NOEXPN = 1 << 3,
	PRIVACY_NOVRFY = 1 << 4,
	PRIVACY_AUTHWARNINGS = 1 << 5,
	PRIVACY_NOVERB = 1 << 6,
	PRIVACY_RESTRICTMAILQ = 1 << 7,
	PRIVACY_RESTRICTQRUN = 1 << 8,
	PRIVACY_RESTRICTEXPAND = 1 << 9,
	PRIVACY_NOETRN = 1 << 10,
	PRIVACY_NOBODYRETURN = 1 << 11,
	PRIVACY_NORECEIPTS = 1 << 12,
	PRIVACY_NOACTUALRECIPIENT = 1 << 13,
	PRIVACY_GOAWAY = (1 << 7) - 1, /* all about the SMTP dialogue, as sendmail has it */
};

/* One DaemonPortOptions line. */
struct settings_listener {
	char addr[64]; /* numeric, or "" for all */
	char name[16]; /* "MTA" */
	uint16_t port;
	uint8_t family;     /* 4, 6 or 0: by the address, else both */
	char modifiers[16]; /* the letters of M= */
	bool tls;           /* M=s, or port 465: TLS from the start */
};

struct settings {
	char hostname[SETTINGS_NAME_MAX];      /* our name, sendmail's $j */
	char domain[SETTINGS_NAME_MAX];        /* put behind unqualified addresses; "" = hostname */
	char sender_domain[SETTINGS_NAME_MAX]; /* behind those of senders; "" = domain */
	char
	    local[SETTINGS_LIST_MAX]; /* domains delivered here besides hostname, blank-separated */
	char relay[SETTINGS_PATH_MAX]; /* URL of the smart host (service/smarthost.h), "" = by MX */
	char queue[SETTINGS_PATH_MAX];
	char users[SETTINGS_PATH_MAX];   /* users file, "" = system accounts */
	char mailbox[SETTINGS_PATH_MAX]; /* template as popd -m, "" = /var/mail/%u */
	char aliases[SETTINGS_PATH_MAX];
	char forward[SETTINGS_PATH_MAX]; /* ForwardPath, see service/forward.h */
	char pid_file[SETTINGS_PATH_MAX];
	char cert[SETTINGS_PATH_MAX], key[SETTINGS_PATH_MAX]; /* "" = self-made */
	char ca[SETTINGS_PATH_MAX]; /* authorities that servers are judged by, "" = the system's */
	char trusted[SETTINGS_LIST_MAX]; /* users who may set any sender, besides root */
	struct settings_listener listeners[SETTINGS_LISTENERS_MAX];
	uint32_t listener_count;
	uint64_t max_message;    /* octets, 0 = no limit */
	uint64_t max_rcpts;      /* per message, 0 = no limit */
	uint64_t max_sessions;   /* at once */
	uint64_t max_per_source; /* sessions of one address at once, 0 = no limit */
	uint64_t max_rate;       /* new sessions of one address a minute, 0 = no limit */
	uint64_t max_bad_rcpts;  /* refused recipients of a session, 0 = no limit */
	uint64_t max_headers;    /* octets of a message's header, 0 = no limit */
	uint64_t max_hops;       /* Received: fields before a message loops */
	uint64_t min_free;       /* 4 KiB blocks that must stay free */
	uint64_t log_level;      /* sendmail's 0..98; 9 is the default */
	uint64_t timeout_command_s, timeout_data_s; /* 0 = none, here and below */
	uint64_t timeout_message_s, timeout_session_s;
	/* As a client; 0 = the least that RFC 5321 allows, or what the relay role thinks best. */
	uint64_t timeout_relay_s[SMTP_PHASES];
	uint64_t timeout_connect_s, timeout_iconnect_s, timeout_aconnect_s, timeout_hoststatus_s;
	uint64_t queue_return_s, queue_warn_s; /* expiry and delay warning */
	uint64_t retry_min_s, retry_max_s;     /* back-off of one message */
	char delivery_mode;                    /* 'i', 'b', 'q', 'd' */
	char supersafe;   /* 'i' local fast path, 'y' every message through the queue */
	char error_mode;  /* 'p', 'm', 'q', 'w', 'e' */
	uint32_t privacy; /* enum settings_privacy */
	char tag[32];     /* -L: the name in the log, "" = the program's */
	bool verbose;     /* -v: queue runs tell what they do */
	bool ignore_dots;
	bool unix_targets; /* a mailer sends to Unix sockets: found by the configuration */
	char
	    programs[SETTINGS_LIST_MAX]; /* "name=path=user" of mailers: found by the configuration;
					    path empty: commands of aliases; user: U=, or empty */
	char program_folder[SETTINGS_PATH_MAX]; /* of the programs that those may name; "": smrsh's
						 */
	char default_user[64];                  /* whom they run as, "" = as sendmail chooses */
	bool no_tls;                            /* STARTTLS is not offered */
	char config[SETTINGS_PATH_MAX]; /* -C: the sendmail.cf to read; "" = the usual place */
	uint64_t checks; /* which checks the configuration has: bits of enum route_check */
	uint64_t given;  /* options that were set, a bit for each in the table's order */
};

/* The defaults, and then the environment.  Fails PERM on a bad value, naming the variable. */
bool settings_init(struct settings *s, struct err *e);

/*
 * The value of the environment's variable NAME, or the first line of the file that NAME_FILE
 * names; *found is false when neither is set.  For secrets, by the process that needs them.
 */
bool settings_variable(const char *name, struct buf *out, bool *found, struct err *e);

/*
 * Sets one option by its long sendmail name (case-blind) or our own.  Fails PERM 5.3.5 on an
 * unknown name (e->sys is ENOENT, text "unknown option name X"; that of sendmail's may have no
 * effect here) and on a bad value (EINVAL: no number).
 */
bool settings_set(struct settings *s, struct span name, struct span value, struct err *e);

/*
 * The same for what a sendmail.cf says: nothing when the option was given before, by command
 * line or environment.  An unknown name or bad value is an error that the caller may pass over.
 */
bool settings_set_default(struct settings *s, struct span name, struct span value, struct err *e);

/* Was this option given? */
bool settings_given(const struct settings *s, const char *name);

/* "Name=value" as behind -O. */
bool settings_assign(struct settings *s, struct span assignment, struct err *e);

/* Is it an option of ours that sendmail does not have? */
bool settings_is_own(struct span name);

/* Calls each with name and value for every option that differs from its empty value. */
void settings_each(const struct settings *s,
		   void (*each)(void *arg, const char *name, struct span value), void *arg);

/* True when domain is one of ours: the host's own names, localhost, or listed. */
bool settings_is_local(const struct settings *s, struct span domain);

/* Log level and -L: has the log of this process be as the settings say. */
void settings_use_log(const struct settings *s);

/* The domain for unqualified addresses, and for those of senders. */
struct span settings_domain(const struct settings *s);
struct span settings_sender_domain(const struct settings *s);

#endif
