/*
 * service/settings: lines of "Name=value" as behind -O, and as gate hands them to the roles.
 * What was taken is listed, and the list makes the same settings again.
 */
#include "service/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void copy(void *arg, const char *name, struct span value)
{
	struct err e;

	require(settings_set(arg, span_str(name), value, &e));
}

static bool same_listeners(const struct settings *a, const struct settings *b)
{
	for (uint32_t i = 0; i < a->listener_count; i++)
		if (a->listeners[i].port != b->listeners[i].port ||
		    strcmp(a->listeners[i].addr, b->listeners[i].addr) != 0)
			return false;
	return a->listener_count == b->listener_count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *s = calloc(1, sizeof *s), *again = calloc(1, sizeof *again);
	struct span in = span_make(data, size);
	struct err e;

	require(s && again);
	while (in.len) {
		struct span line = span_cut(&in, '\n');

		if (line.len && line.ptr[0] == '@')
			(void)settings_is_local(s, span_skip(line, 1));
		else if (!settings_assign(s, line, &e))
			require(e.class != ERR_NONE && e.text[0]);
	}
	require(s->listener_count <= SETTINGS_LISTENERS_MAX);
	settings_each(s, copy, again);
	require(same_listeners(s, again) && strcmp(s->local, again->local) == 0 &&
		strcmp(s->hostname, again->hostname) == 0 && s->max_message == again->max_message &&
		s->queue_warn_s == again->queue_warn_s && s->delivery_mode == again->delivery_mode);
	free(s);
	free(again);
	return 0;
}
