/* Maildir names: what is taken apart can be put together, and changed flags parse again. */
#include <stdint.h>
#include <stdlib.h>

#include "format/maildir.h"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	struct maildir_seed seed = {.seconds = (int64_t)size, .host = in};
	struct maildir_name n, again;
	char mem[2 * MAILDIR_NAME_MAX];
	struct buf out;

	buf_init_fixed(&out, mem, sizeof mem);
	maildir_put_unique(&out, &seed);
	demand(buf_ok(&out) && maildir_parse(buf_span(&out), &n));
	demand(n.unique.len == out.len && n.seconds == (int64_t)size);
	if (!maildir_parse(in, &n))
		return 0;
	buf_reset(&out);
	maildir_put_flags(&out, &n, "ST", "R");
	if (out.len > MAILDIR_NAME_MAX)
		return 0;
	demand(maildir_parse(buf_span(&out), &again));
	demand(span_eq(n.base, again.base) && span_eq(n.unique, again.unique));
	demand(maildir_has_flag(&again, 'S') && !maildir_has_flag(&again, 'R'));
	demand(maildir_compare(&n, &again) == 0);
	return 0;
}
