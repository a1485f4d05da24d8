/*
 * Program maps and class files read from programs; see service/maps_part.h.
 *
 * Must not run a shell: what is run is an argument vector, and a key is one
 * argument of it whatever it holds.
 */
#include <errno.h>

#include "base/err.h"
#include "service/maps_part.h"
#include "sys/run.h"

enum { ARGV_MAX = 32, PROGRAM_SECONDS = 60 };

/* argv from words, one more argument behind them; the last is NULL. */
static bool make_argv(struct span words, struct span last, char *mem, size_t cap, char **argv)
{
	size_t used = 0;
	int n = 0;

	for (;;) {
		struct span w;

		words = span_trim(words);
		w = words.len ? span_cut(&words, ' ') : last;
		if (words.len == 0 && w.ptr == last.ptr && last.ptr)
			last.ptr = NULL;
		if (!w.ptr)
			break;
		if (n == ARGV_MAX || !span_to_cstr(w, mem + used, cap - used))
			return false;
		argv[n++] = mem + used;
		used += w.len + 1;
		if (!last.ptr && words.len == 0)
			break;
	}
	argv[n] = NULL;
	return n > 0;
}

int maps_run_all(struct span words, struct span last, struct buf *out)
{
	char mem[CF_LINE * 2], *argv[ARGV_MAX + 1];
	int status = 0;
	struct err e;

	if (!make_argv(words, last, mem, sizeof mem, argv))
		return EXIT_CONFIG;
	if (run_capture(argv, PROGRAM_SECONDS, out, &status, &e))
		return status;
	return e.sys == ENOENT ? EXIT_CONFIG : EXIT_TEMPFAIL;
}

int maps_run(struct span words, struct span key, struct buf *out)
{
	int status = maps_run_all(words, key, out);
	struct span all = buf_span(out);

	buf_truncate(out, span_index(all, '\n'));
	return status;
}
