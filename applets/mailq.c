/*
 * mailq, sendmail -bp: the queue as sendmail prints it, since scripts read it; -j as
 * one JSON object a line, -c as a number, --oldest as seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/date.h"
#include "mailq.h"
#include "service/queue.h"
#include "sys/clock.h"
#include "sys/log.h"

/*
 * sendmail's column widths: scripts cut its output by column, a longer sender would shift them.
 */
enum { SENDER_SHOWN = 39, SENDER_SHOWN_VERBOSE = 78 };

/*
 * The listing is sorted, so all ids are needed before the first line; items are loaded one by
 * one. Ids of one queue sort by time of arrival, which is the order people expect.
 */
struct names {
	char (*id)[QUEUE_ID_MAX];
	size_t count, room;
	bool full;
};

/*
 * A false stops the walk over the directory: without memory a part of the queue is listed rather
 * than none, for a queue too large to list is just when one wants to look.
 */
static bool add_name(void *arg, const char *id)
{
	struct names *n = arg;

	if (n->count == n->room) {
		size_t more = n->room ? n->room * 2 : 64;
		void *grown = realloc(n->id, more * sizeof *n->id);

		if (!grown)
			return !(n->full = true);
		n->id = grown;
		n->room = more;
	}
	snprintf(n->id[n->count++], QUEUE_ID_MAX, "%s", id);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Text for a terminal: what a stranger wrote must not control it. */
static void show(struct span s, size_t most)
{
	for (size_t i = 0; i < s.len && i < most; i++)
		putchar(ascii_is_print(s.ptr[i]) ? s.ptr[i] : '?');
}

/*
 * The priority shown with -v is the size plus 30000 a recipient, sendmail's default work factor:
 * monitoring expects a number there. Finished recipients are left out, for they wait for nothing.
 */
static void print_text(const struct queue_item *item, bool verbose)
{
	char mem[64];
	struct buf date;
	int64_t created = item->head.state.created;
	bool held = (item->head.state.flags & QFILE_HELD) != 0;
	struct span sender = item->head.sender.len ? item->head.sender : SPAN("<>");

	buf_init_fixed(&date, mem, sizeof mem);
	date_put_ctime(&date, created, clock_zone(created));
	if (verbose)
		printf("%-14s%c%8llu %10lld %.12s ", item->id, held ? 'X' : ' ',
		       (unsigned long long)item->size,
		       (long long)item->size + 30000 * (long long)item->count, buf_cstr(&date) + 4);
	else
		printf("%-14s%c%8llu %.16s ", item->id, held ? 'X' : ' ',
		       (unsigned long long)item->size, buf_cstr(&date));
	show(sender, verbose ? SENDER_SHOWN_VERBOSE : SENDER_SHOWN);
	if (item->head.body == QFILE_BODY_8BIT)
		printf("\n      8BITMIME");
	if (held)
		printf("\n     QUARANTINE: %.*s", verbose ? 100 : 60, item->head.state.text);
	else if (item->head.state.text[0])
		printf("\n                 (%s)", item->head.state.text);
	putchar('\n');
	for (size_t i = 0; i < item->count; i++) {
		if (item->rcpts[i].state == QFILE_DONE || item->rcpts[i].state == QFILE_BOUNCED)
			continue;
		fputs(verbose ? "\t\t\t\t\t\t" : "\t\t\t\t\t ", stdout);
		show(item->rcpts[i].addr, QFILE_FIELD_MAX);
		putchar('\n');
	}
}

/*
 * Octets above 0x7e are escaped one by one: queue fields need not be UTF-8, and a reader of JSON
 * refuses a whole line that is not.
 */
static void json_text(const char *key, struct span s)
{
	printf("\"%s\":\"", key);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* Here finished recipients are shown too: a program can tell the states apart by itself. */
static void print_json(const struct queue_item *item)
{
	const struct qfile_state *s = &item->head.state;

	putchar('{');
	json_text("id", span_str(item->id));
	printf(",\"size\":%llu,\"arrived\":%lld,\"next\":%lld,\"tries\":%u,\"held\":%s,",
	       (unsigned long long)item->size, (long long)s->created, (long long)s->next,
	       (unsigned)s->tries, s->flags & QFILE_HELD ? "true" : "false");
	json_text("sender", item->head.sender);
	putchar(',');
	json_text("reason", span_str(s->text));
	printf(",\"recipients\":[");
	for (size_t i = 0; i < item->count; i++) {
		const struct qfile_rcpt *r = &item->rcpts[i];
		const char *state = r->state == QFILE_PENDING  ? "pending"
				    : r->state == QFILE_DONE   ? "delivered"
				    : r->state == QFILE_FAILED ? "failed"
							       : "bounced";

		printf("%s{", i ? "," : "");
		json_text("address", r->addr);
		printf(",\"state\":\"%s\",", state);
		json_text("status", span_str(r->status));
		putchar(',');
		json_text("text", span_str(r->text));
		putchar('}');
	}
	printf("]}\n");
}

static void print_header(const struct settings *s, size_t count, bool verbose)
{
	printf("\t\t%s (%zu request%s)\n", s->queue, count, count == 1 ? "" : "s");
	puts(
	    verbose
		? "-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------"
		: "-----Q-ID----- --Size-- -----Q-Time----- "
		  "------------Sender/Recipient-----------");
}

/* One pass over the queue: 0 counts what is selected, 1 prints. */
static size_t pass(const struct queue *q, const struct names *n, const struct mailq_options *o,
		   bool print, int64_t *oldest)
{
	struct queue_item item = {0};
	size_t count = 0;

	for (size_t i = 0; i < n->count; i++) {
		struct err e;

		/*
		 * Gone between the walk and now means delivered: no error. A broken file must be
		 * seen, but not inside of JSON.
		 */
		if (!queue_load(q, n->id[i], false, &item, &e)) {
			if (print && e.sys != ENOENT && !o->json)
				printf("%-14s %s\n", n->id[i], e.text);
			continue;
		}
		if (queue_select_match(&o->select, &item)) {
			count++;
			if (item.head.state.created < *oldest)
				*oldest = item.head.state.created;
			if (print && o->json)
				print_json(&item);
			else if (print)
				print_text(&item, o->verbose);
		}
		queue_unload(&item);
	}
	arena_free(&item.arena);
	return count;
}

/*
 * The count comes first in sendmail's heading, hence two passes; a message that leaves between
 * them makes the heading one too high, which costs nobody anything.
 */
static int print_all(const struct settings *s, const struct queue *q, const struct names *n,
		     const struct mailq_options *o)
{
	int64_t oldest = INT64_MAX, now = clock_wall().s;
	size_t count = pass(q, n, o, false, &oldest);

	if (o->count) {
		printf("%zu\n", count);
		return 0;
	}
	if (o->oldest) {
		printf("%lld\n", count ? (long long)(now > oldest ? now - oldest : 0) : 0LL);
		return 0;
	}
	if (o->json) {
		pass(q, n, o, true, &oldest);
		return 0;
	}
	if (count == 0) {
		printf("%s is empty\n\t\tTotal requests: 0\n", s->queue);
		return 0;
	}
	print_header(s, count, o->verbose);
	pass(q, n, o, true, &oldest);
	printf("\t\tTotal requests: %zu\n", count);
	return 0;
}

int mailq_list(const struct settings *s, const struct mailq_options *o)
{
	struct names n = {0};
	struct queue q;
	struct err e = {0};
	int status;

	log_init("mailq", LOG_T_STDERR);
	/* Not made when missing: looking at a queue must never change anything. */
	if (!queue_open(&q, s->queue, false, &e)) {
		fprintf(stderr, "mailq: %s\n", e.text);
		return e.sys == EACCES ? EXIT_NOPERM : EXIT_CONFIG;
	}
	if (!queue_each(&q, add_name, &n, &e)) {
		fprintf(stderr, "mailq: %s\n", e.text);
		queue_close(&q);
		return EXIT_OSFILE;
	}
	if (n.count)
		qsort(n.id, n.count, sizeof *n.id, by_name);
	status = print_all(s, &q, &n, o);
	free(n.id);
	queue_close(&q);
	return status;
}
