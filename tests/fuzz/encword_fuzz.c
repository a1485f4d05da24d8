/* Encoded words: anything decodes to UTF-8 in bounds; what is encoded comes back. */
#include <stdint.h>
#include <stdlib.h>

#include "format/charset.h"
#include "format/encword.h"

enum { OUT_MAX = 1 << 22 };

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	struct buf dec, enc, back;

	buf_init(&dec, OUT_MAX);
	buf_init(&enc, OUT_MAX);
	buf_init(&back, OUT_MAX);
	encword_decode(in, &dec);
	demand(buf_ok(&dec));
	charset_put_printable(&enc, buf_span(&dec), true);
	demand(charset_is_utf8(buf_span(&enc)));
	buf_reset(&enc);
	encword_put_phrase(in, &enc);
	buf_reset(&enc);
	encword_encode(in, &enc);
	demand(buf_ok(&enc) && charset_is_ascii(buf_span(&enc)));
	for (struct span s = buf_span(&enc); s.len;) {
		struct span word = span_cut(&s, ' ');
		demand(!span_starts(word, SPAN("=?utf-8?")) || word.len <= ENCWORD_MAX);
	}
	encword_decode(buf_span(&enc), &back);
	if (charset_is_utf8(in))
		demand(span_eq(buf_span(&back), in));
	buf_free(&dec);
	buf_free(&enc);
	buf_free(&back);
	return 0;
}
