/*
 * schedule: the role "queue" that owns the schedule.
 *
 * It answers smtpd's questions about addresses, keeps the list of queued messages and when
 * each is due, hands recipients to delivery agents, marks them done, backs off, warns,
 * expires and bounces (RFC 5321 4.5.4, RFC 3464).  This header is what its files share; the
 * rest of the program uses schedule_main.
 *
 *	schedule.c         set-up, the other roles' messages
 *	schedule_table.c   the schedule: messages and when each is due
 *	schedule_config.c  the configuration, and evaluations of it
 *	schedule_verdict.c what smtpd asks: clients, MAIL, RCPT and other commands
 *	schedule_fields.c  the header of a message at its end
 *	schedule_client.c  a client's name, and the service it gets
 *	schedule_check.c   account look-ups
 *	schedule_choose.c  which messages a run is for, what it tells
 *	schedule_work.c    one message under work
 *	schedule_task.c    one recipient of it
 *	schedule_alias.c   ... whom it stands for
 *	schedule_forward.c ... by users' ~/.forward
 *	schedule_copy.c    ... a message for several
 *	schedule_relay.c   ... that another host is to take
 *	schedule_local.c   ... that a mailbox, program or file of this host is to take
 *	schedule_settle.c  what an outcome means: state, text, log line
 */
#ifndef LETTERBOX_SERVICE_SCHEDULE_H
#define LETTERBOX_SERVICE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/agents.h"
#include "service/alias.h"
#include "service/dns_client.h"
#include "service/mta_ipc.h"
#include "service/queue.h"
#include "service/queue_select.h"
#include "service/relays.h"
#include "service/route.h"
#include "service/settings.h"
#include "sys/commit.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	SCHEDULE_WORKS = 16,      /* messages under work at once */
	SCHEDULE_AWAY = 400,      /* ... and those that only the relay role has work with */
	SCHEDULE_CACHE = 64,      /* accounts remembered */
	SCHEDULE_CACHE_MS = 5000, /* for so long: a new user gets mail within it */
	SCHEDULE_SCAN_S = 300,    /* other hosts may put messages here without a word */
	SCHEDULE_TURNS = 64,      /* answers that one evaluation may wait for */
	SCHEDULE_QUIET_MS = 1000, /* then the memory of evaluations is given back */
	SCHEDULE_CROWDED_S = 2,   /* a message for which there is no room */
	SCHEDULE_DETAIL_MAX = 63, /* octets of a "+detail" with a .forward of its own */
};

struct schedule_entry {
	char id[QUEUE_ID_MAX];
	uint64_t next_ms;   /* when it is due, as loop.now_ms; UINT64_MAX: never */
	int64_t clock_zero; /* the wall clock's time at 0 of the other, when it was first seen */
	bool busy, seen;
	uint8_t held; /* how often it was found that somebody else has its file */
};

/* A question about an account, and who wants to know. */
struct schedule_lookup {
	struct schedule_lookup *next;
	uint32_t number;
	char user[MTA_NAME_MAX + 1];
	char detail[SCHEDULE_DETAIL_MAX + 1]; /* what ForwardPath's $h is, or "" */
	bool forwards;                        /* answered: there is, or may be, a ~/.forward */
	/* found: err.class ERR_NONE, name as the source spells it */
	void (*done)(struct schedule_lookup *l, const struct err *e, struct span name);
	void *owner;
};

struct schedule_cached {
	uint64_t until_ms;
	struct err err;
	bool forwards;
	char user[64], name[64];
};

struct schedule {
	struct loop loop;
	struct settings settings;
	struct config *config;
	struct alias alias;
	struct resolver resolver; /* the servers that dns asks */
	struct dns_client dns;
	bool may_ask;  /* the box lets it make sockets */
	bool includes; /* ... and read any file, since aliases have lists */
	bool boxed;    /* and it is closed */
	struct ipc gate, smtpd;
	struct queue queue;
	struct agents agents;
	struct relays relays;
	struct commit_pool *pool;
	struct loop_watch changes; /* inotify on queue/ */
	struct loop_timer wake, scan, interval;
	struct loop_timer quiet; /* nothing was decided for a while */
	struct schedule_entry *entries;
	size_t count, room;
	size_t works, away;
	struct work *spare; /* those that are over */
	struct buf header;  /* one that is being written */
	struct schedule_lookup *lookups;
	uint32_t next_number;
	struct schedule_cached *cache;
	uint64_t interval_s;          /* of forced runs, 0 = none */
	struct queue_select *select;  /* what this run is for, NULL: everything */
	char *rule[QUEUE_SELECT_MAX]; /* its texts, owned */
	size_t rules;
	char only[QUEUE_ID_MAX]; /* the one message it is for, or "" */
	size_t sequence;         /* messages begun with */
	bool one_shot, stopping;
};

int schedule_main(int argc, char **argv);

/* ---- schedule.c ---- */

/* Begins nothing new; the role ends when what is under work is done. */
void schedule_stop(struct schedule *q);

/* ---- schedule_table.c ---- */

/* Sets the timers up and begins to look into the directory now and then. */
void schedule_table_init(struct schedule *q);

/*
 * Notes a message that is new, due at once, or that was never due; free: any, since its file was
 * changed, or is nobody's any more.
 */
void schedule_note(struct schedule *q, const char *id, bool free);

/* Adds what is new in the directory, drops what has gone, sweeps files of processes that died. */
void schedule_scan(struct schedule *q);

/* One of those under work waits for the relay role alone: the next may begin. */
void schedule_away(struct schedule *q);

/*
 * Work on id is over: due again in so many seconds, SCHEDULE_NEVER, or when somebody else may have
 * let go of it (SCHEDULE_HELD); or gone.
 */
#define SCHEDULE_NEVER UINT64_MAX
#define SCHEDULE_HELD  (UINT64_MAX - 1)
void schedule_over(struct schedule *q, const char *id, bool gone, uint64_t wait_s);

/* ---- schedule_choose.c ---- */

/* Gate's MTA_SELECT and MTA_QUEUED before START; false: malformed. */
bool schedule_choose_setup(struct schedule *q, struct wire_in *in);
void schedule_choose_free(struct schedule *q);

/* True when item is to be tried by this run. */
bool schedule_choose_item(const struct schedule *q, const struct queue_item *item);

/* A message without contents: MTA_READY, MTA_IDLE. */
void schedule_choose_tell_gate(struct schedule *q, enum mta_type type);

/* For -v: work on a message begins; what becomes of a recipient. */
void schedule_choose_tell_start(struct schedule *q, const char *id);
void schedule_choose_tell(struct schedule *q, struct span who, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Tries everything now. */
void schedule_run_all(struct schedule *q);

/* The directory changed (struct loop_watch of q->changes). */
void schedule_changed(struct loop_watch *w, uint32_t events);

/* ---- schedule_config.c ---- */

/* Gate's MTA_CONFIG with the file fd, not taken over; false: malformed, or no memory at the start.
 */
bool schedule_config_set(struct schedule *q, struct wire_in *in, int fd);

/* Before the box: what the configuration needs besides.  Fails TEMP when gate sent none. */
bool schedule_config_there(struct schedule *q, struct err *e);

/* An evaluation begins: route_begin; false: out of memory, e is set. */
bool schedule_decide(struct schedule *q, const struct mta_check *m, struct err *e);

/*
 * What a local recipient is in the end: an alias (*is_alias, NULL: not looked for; its right side
 * is appended to right unless that is NULL), or what ruleset 5 makes of it.  Fails as route_local.
 */
bool schedule_resolve(struct schedule *q, struct route *r, bool *is_alias, struct buf *right,
		      struct err *e);

/*
 * After route_pending: waits for the answer; w->done asks all of it again.  *turns counts, and
 * false is TEMP: too many.
 */
bool schedule_await(struct schedule *q, struct dns_client_wait *w, unsigned *turns, struct err *e);

/* ---- schedule_verdict.c ---- */

/* Answers smtpd's MTA_CHECK_...; fd (-1: none) is not taken over.  False: malformed. */
bool schedule_verdict(struct schedule *q, struct wire_in *in, int fd);

/* ---- schedule_fields.c ---- */

/* A header under check, all 0 but for verdict. */
struct schedule_headers {
	struct mta_verdict *verdict; /* gets what came of it */
	struct span added; /* names of fields that are ours: the rulesets see none of them */
	unsigned fields;
	size_t size, extra;        /* octets; and those of the fields added */
	char reason[ERR_TEXT_MAX]; /* of a quarantine */
};

/*
 * Rulesets of H lines and check_eoh for the message in fd; c->rcpt is its place in decimal and the
 * names of fields that were added to it, ',' before each.
 */
void schedule_check_headers(struct schedule *q, const struct mta_check *c, int fd,
			    struct schedule_headers *h);

/* ---- schedule_client.c ---- */

/*
 * The name of an address, "" when it has none, and {client_resolve}; false: an answer is under
 * way.
 */
bool schedule_client_name(struct schedule *q, struct span addr, struct buf *name, const char **how);

/*
 * Asks srv_features (the first letter of each word goes to letters) and greet_pause as sendmail
 * does, for the verdict on a connection.
 */
void schedule_client_service(struct schedule *q, struct span name, struct buf *letters,
			     struct mta_verdict *v);

/* ---- schedule_check.c ---- */

/*
 * Looks an account up, "user+detail" also as user; done may be called at once.  A detail that is
 * too long or has a '/' counts as none.
 */
void schedule_check_account(struct schedule *q, struct span user, struct span detail,
			    struct schedule_lookup *l);

/* Gate's ACCOUNT_IS; false: malformed. */
bool schedule_check_answer(struct schedule *q, struct wire_in *in);

/* Gate is gone: what waits for it fails TEMP. */
void schedule_check_gate_lost(struct schedule *q);

/* ---- schedule_relay.c ---- */

/* Asks gate for the relay role (struct relays). */
void schedule_relay_ask(struct relays *r);

/* ---- schedule_work.c ---- */

/* Starts work on id; schedule_over is called when it is over, perhaps at once. */
void schedule_work_start(struct schedule *q, const char *id, int64_t clock_zero);

/* Gives the memory of works that are over back. */
void schedule_work_forget(struct schedule *q);

#endif
