/*
 * What a queue run is for, and what is told about it: -qI and the like, -v.  See
 * service/schedule.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/schedule.h"

bool schedule_choose_setup(struct schedule *q, struct wire_in *in)
{
	struct span text;
	char *rule;

	if ((in->type != MTA_SELECT && in->type != MTA_QUEUED) || !mta_ipc_get_text(in, &text))
		return false;
	if (in->type == MTA_QUEUED)
		return queue_valid_id(text) && span_to_cstr(text, q->only, sizeof q->only);
	if (!q->select)
		q->select = calloc(1, sizeof *q->select);
	if (!q->select || q->rules == QUEUE_SELECT_MAX)
		return false;
	/* Kept as long as the role lives: what is chosen points there. */
	rule = q->rule[q->rules] = malloc(text.len + 1);
	if (!rule)
		return false;
	q->rules++;
	return span_to_cstr(text, rule, text.len + 1) && queue_select_add(q->select, rule);
}

void schedule_choose_free(struct schedule *q)
{
	for (size_t i = 0; i < q->rules; i++)
		free(q->rule[i]);
	free(q->select);
}

/* Quarantined: never due, until someone releases it or asks for just those. */
bool schedule_choose_item(const struct schedule *q, const struct queue_item *item)
{
	if (q->select)
		return queue_select_match(q->select, item);
	return !(item->head.state.flags & QFILE_HELD);
}

static void tell(struct schedule *q, const char *text)
{
	char line[1024], mem[WIRE_MAX];
	struct buf b;

	snprintf(line, sizeof line, "%s", text);
	err_printable(line);
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_TELL, 0, span_str(line));
	ipc_send(&q->gate, &b, NULL, 0);
}

void schedule_choose_tell_start(struct schedule *q, const char *id)
{
	char text[QUEUE_PATH_MAX + 128];

	q->sequence++;
	if (!q->settings.verbose || q->only[0])
		return;
	snprintf(text, sizeof text, "Running %s/queue/%s (sequence %zu of %zu)", q->settings.queue,
		 id, q->sequence, q->sequence > q->count ? q->sequence : q->count);
	tell(q, "");
	tell(q, text);
}

void schedule_choose_tell(struct schedule *q, struct span who, const char *fmt, ...)
{
	char text[1024], line[1024];
	va_list ap;

	if (!q->settings.verbose)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "%.*s... %.600s", (int)(who.len < 300 ? who.len : 300), who.ptr,
		 text);
	tell(q, line);
}

void schedule_choose_tell_gate(struct schedule *q, enum mta_type type)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, (uint16_t)type, 0);
	ipc_send(&q->gate, &b, NULL, 0);
}
