/* Dates: what is read can be written, and read again as the same time. */
#include <stdint.h>
#include <stdlib.h>

#include "format/date.h"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	int64_t t, again = 0;
	int offset, offset_again;
	char mem[64];
	struct buf out;

	date_parse_ctime(in, &t);
	if (!date_parse(in, &t, &offset))
		return 0;
	/* Times that an offset carries out of the years 1 to 9999 are clamped. */
	if (t < -62135596800 + 86400 * 7 || t > 253402300799 - 86400 * 7)
		return 0;
	buf_init_fixed(&out, mem, sizeof mem);
	date_put(&out, t, offset);
	demand(buf_ok(&out) && date_parse(buf_span(&out), &again, &offset_again));
	demand(t == again && offset == offset_again);
	buf_reset(&out);
	date_put_ctime(&out, t, 0);
	demand(out.len == 24 && date_parse_ctime(buf_span(&out), &again) && t == again);
	return 0;
}
