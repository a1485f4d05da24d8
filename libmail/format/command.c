/*
 * Commands of aliases; see format/command.h and smrsh(8).
 *
 * Must not guess: a quote without its end is refused, as a shell would.
 */
#include "format/command.h"

#include "base/ascii.h"

static bool refuse(struct err *e, const char *why)
{
	return err_perm(e, "5.5.0", "Service unavailable: %s", why);
}

/* One word; quotes are taken off, and what a shell would expand is not there any more. */
static bool put_word(struct span *text, struct buf *out)
{
	char quote = '\0';

	for (; text->len; *text = span_skip(*text, 1)) {
		char c = text->ptr[0];

		if (!quote && ascii_is_blank(c))
			break;
		if (c == quote) {
			quote = '\0';
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && text->len > 1) {
			*text = span_skip(*text, 1);
			buf_putc(out, text->ptr[0]);
		} else {
			buf_putc(out, c);
		}
	}
	return !quote;
}

static void strip_path(struct buf *out, size_t start)
{
	size_t from = start;

	for (size_t i = start; i < out->len; i++)
		if (out->ptr[i] == '/')
			from = i + 1;
	memmove(out->ptr + start, out->ptr + from, out->len - from);
	buf_truncate(out, out->len - (from - start));
}

bool command_split(struct span text, struct buf *out, struct err *e)
{
	static const char special[] = "<|>^();&`$\r\n"; /* smrsh's, and the NUL that ends it */
	size_t start = out->len, len;

	for (size_t i = 0; i < text.len; i++)
		if (memchr(special, text.ptr[i] & 0x7f, sizeof special))
			return err_perm(e, "5.5.0", "Service unavailable: cannot use %c in command",
					text.ptr[i] & 0x7f);
	text = span_trim(text);
	if (span_starts(text, SPAN("exec ")) || span_eq(text, SPAN("exec")))
		text = span_trim(span_skip(text, 5));
	for (bool first = true; text.len; first = false) {
		if (!put_word(&text, out))
			return refuse(e, "a quote has no end");
		if (first)
			strip_path(out, start);
		buf_putc(out, '\0');
		text = span_trim(text);
	}
	if (!buf_ok(out))
		return refuse(e, "the command is too long");
	len = out->len > start ? strlen(out->ptr + start) : 0;
	if (len == 0 || strcmp(out->ptr + start, ".") == 0 || strcmp(out->ptr + start, "..") == 0)
		return refuse(e, "the command names no program");
	return true;
}
