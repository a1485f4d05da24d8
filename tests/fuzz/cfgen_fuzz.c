/*
 * cf/cfgen: definition files, and with "from KIND" as the first line other mailers' files.
 * What was read is written as a definition file again and gives the same configuration; what
 * is made from another mailer's file has no mistake but in a value.
 */
#include "cf/cfgen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cf/cfgen_from.h"
#include "cf/cfgen_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void report(void *ctx, const struct cfgen_message *m)
{
	require(m->text[0] && strlen(m->text) < 240 && m->hint);
	if (ctx && m->error)
		require(strstr(m->text, " is ") != NULL);
}

/* Its own text for any path, so that routes, FEATURE and PROTO are read, too. */
static bool read_file(void *ctx, struct span path, struct buf *out)
{
	(void)ctx;
	if (span_index(path, 'x') == path.len)
		return false;
	buf_puts(out, "GW smtp:gw\nDOM a .b\n");
	return true;
}

static void from(struct span kind, struct span text)
{
	static int marker;
	const struct cfgen_host host = {&marker, report, NULL};
	struct cfgen g;
	struct buf out;

	buf_init(&out, CFGEN_OUT_MAX);
	if (cfgen_from(kind, text, &out)) {
		cfgen_init(&g, &host);
		(void)cfgen_parse(&g, buf_span(&out), "out");
		cfgen_free(&g);
	}
	buf_free(&out);
}

/* Unknown names are no values, and X_RELAY and O_Name lines are not listed one by one. */
static void assign_all(const struct cfgen *g, struct buf *out)
{
	for (int i = 0; cfgen_variables[i].name; i++)
		if (cfgen_variables[i].help && g->value[i].text.ptr)
			cfgen_assign(span_str(cfgen_variables[i].name), g->value[i].text, out);
}

static void def(struct span text)
{
	const struct cfgen_host host = {NULL, report, read_file};
	struct cfgen g, again;
	struct buf out, copy, out2;
	bool lists;

	buf_init(&out, CFGEN_OUT_MAX);
	buf_init(&out2, CFGEN_OUT_MAX);
	buf_init(&copy, CFGEN_OUT_MAX);
	cfgen_init(&g, &host);
	cfgen_init(&again, &host);
	if (cfgen_parse(&g, text, "in")) {
		lists = cfgen_get(&g, "relays").len || cfgen_get(&g, "options").len;
		assign_all(&g, &copy);
		require(cfgen_parse(&again, buf_span(&copy), "in"));
		if (cfgen_write(&g, &out) && !lists) {
			require(cfgen_write(&again, &out2));
			require(span_eq(buf_span(&out), buf_span(&out2)));
		}
		buf_reset(&out);
		cfgen_explain(&g, &out);
	}
	cfgen_free(&g);
	cfgen_free(&again);
	buf_free(&out);
	buf_free(&out2);
	buf_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), first;

	if (span_starts(in, SPAN("from "))) {
		first = span_cut(&in, '\n');
		from(span_skip(first, 5), in);
	} else {
		def(in);
	}
	return 0;
}
