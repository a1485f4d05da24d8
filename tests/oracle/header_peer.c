/*
 * header_peer CF: headers by the engine, for comparing with what the real program delivers.
 *
 * Reads records "@sender ADDRESS", "@mailers NAME ...", header lines, "@end", and writes for each
 * mailer "@mailer NAME", "@sender RETURN-PATH", the header, "@end".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cf/cf_header.h"
#include "service/hostname.h"
#include "service/maps.h"
#include "sys/fs.h"

enum { TEXT_MAX = 1 << 22, LINE = 1 << 16 };

static struct cf cf;
static struct cf_eval ev;
static struct maps maps;
static struct resolver resolver;
static char line[LINE];

static void report(void *ctx, uint32_t number, const char *code, struct span text)
{
	(void)ctx;
	(void)code;
	if (number)
		fprintf(stderr, "line %u: %.*s\n", (unsigned)number, SPAN_ARG(text));
}

static void define(const char *name, struct span value)
{
	size_t used;

	cf_macro_set(&ev, cf_macro_id(&ev, span_str(name), &used), value);
}

static void one(struct span mailer, const struct cf_sender *s, struct span header)
{
	const struct cf_mailer *m = cf_mailer_find(&cf, mailer);
	struct buf g, out;

	if (!m)
		return;
	buf_init(&g, CF_LINE);
	buf_init(&out, TEXT_MAX);
	cf_header_return_path(&ev, s, m, &g);
	define("g", buf_span(&g));
	printf("@mailer %.*s\n@sender %.*s\n", SPAN_ARG(mailer), SPAN_ARG(buf_span(&g)));
	cf_header_from_line(&ev, m, &out);
	cf_header_write(&ev, s, m, header, false, &out);
	fwrite(out.ptr, 1, out.len, stdout);
	puts("@end");
	buf_free(&g);
	buf_free(&out);
}

static void record(struct span from, struct span mailers, struct span header)
{
	struct cf_sender s;

	cf_header_sender(&ev, from, &s);
	define("f", span_str(s.address));
	while (mailers.len)
		one(span_cut(&mailers, ' '), &s, header);
}

int main(int argc, char **argv)
{
	struct cf_host host = {&maps, report, NULL, maps_lookup, maps_open, maps_read_file};
	static char from[LINE], mailers[LINE];
	struct hostname h;
	struct buf text;
	struct err e;

	buf_init(&text, TEXT_MAX);
	if (argc != 2 || !fs_read_all(AT_FDCWD, argv[1], FS_FOLLOW, &text, &e) ||
	    !resolver_init(&resolver, &e))
		return 1;
	hostname_find(&h, &resolver);
	maps_init(&maps, &resolver);
	cf_init(&cf);
	cf_eval_init(&ev, &cf, &host);
	hostname_define(&h, &resolver, &cf);
	if (!cf_load(&ev, buf_span(&text)))
		return 1;
	cf_map_add(&ev, SPAN("host host -a. -D"));
	hostname_complete(&resolver, &ev);
	/* What a submission has that names no DaemonPortOptions. */
	define("{daemon_flags}", SPAN("c u"));
	define("a", SPAN("DATE"));
	define("b", SPAN("DATE"));
	define("t", SPAN("202611260000"));
	define("i", SPAN("ID"));
	define("d", SPAN("UNIXDATE"));
	buf_reset(&text);
	while (fgets(line, sizeof line, stdin)) {
		struct span l = span_str(line);

		if (span_starts(l, SPAN("@sender "))) {
			span_to_cstr(span_trim(span_skip(l, 8)), from, sizeof from);
			buf_reset(&text);
		} else if (span_starts(l, SPAN("@mailers "))) {
			span_to_cstr(span_trim(span_skip(l, 9)), mailers, sizeof mailers);
		} else if (span_eq(l, SPAN("@end\n"))) {
			record(span_str(from), span_str(mailers), buf_span(&text));
		} else {
			buf_put(&text, l);
		}
	}
	buf_free(&text);
	cf_eval_free(&ev);
	cf_free(&cf);
	maps_free(&maps);
	resolver_free(&resolver);
	return 0;
}
