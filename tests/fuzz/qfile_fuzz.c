/*
 * format/qfile: any octets; what is accepted is written and read again to the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "format/qfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mem = malloc(size + 1);
	struct qfile_reader r;
	struct qfile_head h;
	struct qfile_rcpt rcpt;
	struct buf text, out;
	struct err e;

	if (!mem)
		return 0;
	buf_init_fixed(&text, mem, size + 1);
	buf_init(&out, QFILE_ENVELOPE_MAX);
	qfile_reader_init(&r, span_make(data, size), &text);
	if (qfile_read_head(&r, &h, &e)) {
		qfile_put_head(&out, &h);
		while (qfile_read_rcpt(&r, &rcpt, &e) > 0) {
			if (rcpt.at + QFILE_RCPT_HEAD > size)
				abort();
			qfile_put_rcpt(&out, &rcpt);
		}
	}
	buf_free(&out);
	free(mem);
	return 0;
}
