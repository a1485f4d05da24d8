/*
 * schedule_part: one message under work, as schedule_work.c, schedule_task.c, schedule_alias.c,
 * schedule_copy.c, schedule_forward.c, schedule_relay.c, schedule_local.c and schedule_settle.c
 * share it.
 *
 * A work has its file locked and loaded, and a task for each recipient that is pending; when
 * the last of them has an outcome, marks, report and the next attempt follow, and it is over.
 * What lives as long as it is in its item's arena; works that are over are kept, with that
 * memory, until nothing was decided for a while.
 */
#ifndef LETTERBOX_SERVICE_SCHEDULE_PART_H
#define LETTERBOX_SERVICE_SCHEDULE_PART_H

#include "service/bounce.h"
#include "service/schedule.h"

/* One recipient on its way. lookup, job and remote are lent to others, so tasks must not move. */
struct task {
	struct schedule_lookup lookup;
	struct agents_job job;
	struct relays_rcpt remote;
	struct dns_client_wait wait;
	unsigned turns;
	char *owner;                /* whose ~/.forward has the target, or "" */
	char *target;               /* what the recipient is an alias of; NULL: it is none */
	struct forwards *forwards;  /* owned: see schedule_forward.c */
	char *addr;                 /* for the other host's RCPT, or a program's arguments */
	char key[MTA_NAME_MAX + 1]; /* of the agent that a program or file needs */
	struct work *work;
	size_t rcpt;
	struct err err;
	const char *mailer;            /* as the log names it, NULL: none was chosen */
	uint64_t started_ms;           /* when it was handed on */
	bool crowded;                  /* there was no room for it: not tried */
	char reply[ERR_TEXT_MAX + 32]; /* "550 5.1.1 User unknown": what a server said, or "" */
};

/* The message as one mailer sends it. */
struct variant {
	struct variant *next;
	const struct cf_mailer *mailer;
	struct relays_message message;
	char sender[MTA_ADDR_MAX];
	char shown[MTA_ADDR_MAX]; /* $g: the sender, of a report as well */
};

struct work {
	struct schedule *q;
	char id[QUEUE_ID_MAX]; /* of the file to load */
	struct queue_item item;
	struct task *tasks;
	size_t count, open; /* tasks, and those not answered */
	size_t remote;      /* of these, those that the relay role or a program has */
	bool away;          /* only those are left: other messages may be worked on */
	struct variant *variants;
	struct variant *begun; /* memory of one that waits for an answer */
	struct config *config; /* of the mailers in them; kept */
	struct commit_job commit;
	struct queue_writer report;
	enum bounce_kind kind;
	int64_t clock_zero; /* as schedule_entry has it */
	struct work *next;  /* that is spare */
	char user[MTA_NAME_MAX + 1];
};

/*
 * Seconds since the message was made.  Jumps of the wall clock after it was first seen do not
 * count: it must not expire because a clock was set.
 */
int64_t schedule_age(const struct work *w);

/* Routes the recipient and hands it on; schedule_task_answered follows, perhaps at once. */
void schedule_task_start(struct task *t);

/* The outcome is in t->err. */
void schedule_task_answered(struct task *t);

/* Gives t to the relay role, with the message as v has it and the recipient in t->addr. */
void schedule_relay_pass(struct task *t, const struct mta_target *target, const struct variant *v);

/* After route_pending: waits for the name, and then all is asked again; false: TEMP in t->err. */
bool schedule_task_later(struct task *t);

/*
 * Makes t->job for a mailbox, program or file of this host, and t->key for the last two (for a
 * user's program all but the name).  False: t->err, or route_pending.
 */
bool schedule_local_prepare(struct task *t, const struct route *r);

/* Gives t->job to the agent of account, or to that of t->key. */
void schedule_local_pass(struct task *t, struct span account);

/*
 * The message for mailer m, made when it is first needed.  NULL: TEMP in e, or route_pending.
 */
struct variant *schedule_variant(struct work *w, const struct cf_mailer *m, struct err *e);
void schedule_variants_free(struct work *w);

/*
 * LATER: route_pending; UNREAD: schedule_forward_ask knows more; REPLACED: t->target is the one;
 * COPIED: t is answered; else t->err.
 */
enum schedule_aliased {
	SCHEDULE_FAILED,
	SCHEDULE_LATER,
	SCHEDULE_UNREAD,
	SCHEDULE_REPLACED,
	SCHEDULE_COPIED
};

/* In the place of an owner: a user whose ~/.forward could not be read with those of the others. */
#define SCHEDULE_AGAIN "?"

/* Works out whom r stands for: an alias with this right side, or (ptr NULL) a user who forwards. */
enum schedule_aliased schedule_alias(struct task *t, const struct route *r, struct span right);

/*
 * Queues the message anew for these recipients, words "owner/target" that end in NUL each, meant
 * as they are; sender "": of the same.  True: t is answered when it is on disk; false: t->err.
 */
bool schedule_copy(struct task *t, struct span words, size_t count, struct span sender);

/* ---- schedule_forward.c: files that users' own processes read for us ---- */

/* NONE: there is none, or no safe one; UNREAD: not known yet; FAILED: TEMP in e, it is later. */
enum schedule_forward { FORWARD_NONE, FORWARD_FOUND, FORWARD_UNREAD, FORWARD_FAILED };

struct schedule_list {
	const char *account; /* whose it is */
	struct span text;
};

/* The ~/.forward of the user that r is; spans live as long as the task. */
enum schedule_forward schedule_forward_user(struct task *t, const struct route *r,
					    struct schedule_list *out, struct err *e);

/* Reads all that was UNREAD, and then starts the task again: perhaps at once. */
void schedule_forward_ask(struct task *t);
void schedule_forward_free(struct task *t);

/* Puts the outcome of t into its recipient's record in memory, and logs it. */
void schedule_settle(struct work *w, struct task *t);

#endif
