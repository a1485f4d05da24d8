/*
 * schedule_part: one message under work, as schedule_work.c and schedule_task.c share it.
 */
#ifndef LETTERBOX_SERVICE_SCHEDULE_PART_H
#define LETTERBOX_SERVICE_SCHEDULE_PART_H

#include "service/bounce.h"
#include "service/schedule.h"

/* One recipient on its way. lookup and job are lent to others, so tasks must not move. */
struct task {
	struct schedule_lookup lookup;
	struct agents_job job;
	struct work *work;
	size_t rcpt;
	struct err err;
};

struct work {
	struct schedule *q;
	char id[QUEUE_ID_MAX]; /* of the file to load */
	struct queue_item item;
	struct task *tasks;
	size_t count, open; /* tasks, and those not answered */
	struct commit_job commit;
	struct queue_writer report;
	enum bounce_kind kind;
	struct loop_timer retry;
	unsigned tries; /* to lock the file */
	char user[MTA_NAME_MAX + 1];
};

/* Routes the recipient and hands it on; schedule_task_answered follows, perhaps at once. */
void schedule_task_start(struct task *t);

/* The outcome is in t->err. */
void schedule_task_answered(struct task *t);

#endif
