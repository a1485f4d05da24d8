/*
 * config: the compiled sendmail.cf that decides everything, and where it comes from.
 *
 * The text is found once, by the process that starts: the file of -C, /etc/mail/sendmail.cf, or
 * a text that cfgen makes in memory, from /etc/mail/sendmail.def (or a .def behind -C) or else
 * from the settings.  It is compiled by each process that decides: the
 * queue role of a daemon, a submitter.  A compiled configuration is not changed; SIGHUP makes
 * another one.  What an evaluation needs besides (some 100 KiB) is made when it is needed, and
 * given back by config_idle.
 *
 * Not for several threads.  All text handed out is borrowed until the next config_begin.
 */
#ifndef LETTERBOX_SERVICE_CONFIG_H
#define LETTERBOX_SERVICE_CONFIG_H

#include <stdbool.h>

#include "cf/cf_addr.h"
#include "service/hostname.h"
#include "service/maps.h"
#include "service/resolver.h"
#include "service/settings.h"

#define CONFIG_FILE "/etc/mail/sendmail.cf"

enum {
	CONFIG_TEXT_MAX = 64 << 20, /* octets of a configuration */
	CONFIG_DIRS = 8,            /* folders of map files that a role must be able to read */
	CONFIG_HEARD = 240,
	CONFIG_PENDING = -1, /* of a map: the answer is under way (RESOLVER_PENDING) */
};

struct config {
	struct cf cf;
	struct cf_host host;
	struct hostname names;
	struct resolver resolver;
	struct maps maps;
	struct cf_eval *ev;             /* of config_begin; NULL while idle */
	char name[CF_NAME];             /* of the file, for messages */
	struct span client;             /* {client_addr} of the evaluation */
	bool warned;                    /* of features of TLS that have no effect */
	bool pending;                   /* an evaluation needs an answer that is under way */
	void (*tell)(const char *text); /* gets messages about the file; NULL: the log does */
	unsigned users;                 /* config_free gives it up when the last has called it */
	char dir[CONFIG_DIRS][CF_NAME];
	char heard_code[16], heard[CONFIG_HEARD]; /* the first message of an evaluation */
};

/* The octets of a configuration and where they are from. */
struct config_text {
	struct buf text;
	char name[CF_NAME];
	bool is_file; /* and not made in memory */
};

/*
 * Finds the text; path is that of -C, or NULL.  Fails PERM when the file that -C names cannot
 * be read, or a default one is there and cannot: nothing is guessed then.  TEMP when the system is
 * short of something.
 */
bool config_find(struct config_text *t, const char *path, const struct settings *s, struct err *e);

/* A file of the text for other processes, of which the buffer is then given up; -1 on failure. */
int config_text_fd(struct config_text *t, struct err *e);

/*
 * Compiles text.  Fails TEMP when the system is short of memory or descriptors, since a class that
 * is empty for that would refuse our own mail.  Mistakes are told and reading goes on, as sendmail
 * does; config_errors counts them.  tell gets the messages (NULL: the log).  NULL on failure.
 */
struct config *config_load(struct span text, const char *name, void (*tell)(const char *text),
			   const struct settings *s, struct err *e);
unsigned config_errors(const struct config *c);

/*
 * False, TEMP: a file that the evaluation needed cannot be read now (fs_is_passing), or there was
 * no memory for it, as for a client's address; what the rules made of that is no decision.
 */
bool config_was_read(const struct config *c, struct err *e);

/* One more user, and one less: the last one frees it.  c may be NULL. */
struct config *config_keep(struct config *c);
void config_free(struct config *c);

/* The same for a file as config_text_fd makes it. */
struct config *config_load_fd(int fd, const char *name, const struct settings *s, struct err *e);

/*
 * Takes the O lines over into settings, except for options that were given otherwise (command
 * line, environment), $j as the host's name, and of a cfgen ${letterbox_relay} as smart host,
 * ${letterbox_domain} as the domain of senders without one.
 * A file without DaemonPortOptions means all addresses, as in sendmail; a text made from the
 * settings leaves that to them.
 */
void config_settings(struct config *c, struct settings *s, bool is_file);

/*
 * One option of the command line: "Name=value" with the letter ' ', or a letter's value.  Names may
 * be abbreviated, and tell gets what is wrong, in sendmail's words.  The status that the
 * program ends with: EXIT_SOFTWARE, before it has done anything; EXIT_USAGE, when it has (at once:
 * *fatal); or 0.
 */
int config_give(struct settings *s, char letter, const char *text, void (*tell)(const char *text),
		bool *fatal);

/* Adds the folder of a table to dir, which a role is to be let into before it closes its box. */
void config_note_dir(struct config *c, struct span path);

/* May its rules ask the domain name system? */
bool config_asks(const struct config *c);

/* A fresh evaluation: no macros set, nothing heard.  NULL: out of memory. */
struct cf_eval *config_begin(struct config *c);

/* Gives the evaluation's memory back; for when nothing is to be decided soon. */
void config_idle(struct config *c);

/* Reads all tables now, for a role that cannot open files later.  False: TEMP in e. */
bool config_open_maps(struct config *c, struct err *e);

/* Has the configuration a use for the macro ("{client_port}")? */
bool config_uses(const struct config *c, const char *name);

/* Sets a macro of the evaluation by name ("f", "{client_addr}"). */
void config_set(struct config *c, const char *name, struct span value);

#endif
