/*
 * Maildir file names; see format/maildir.h.
 *
 * Names come from a directory that others write to: a size in one is a hint, to be used only
 * where a wrong one does no harm.
 */
#include "format/maildir.h"

#include "base/ascii.h"
#include "base/num.h"

void maildir_put_unique(struct buf *out, const struct maildir_seed *seed)
{
	struct span host = seed->host;
	size_t room = MAILDIR_HOST_MAX;

	buf_printf(out, "%lld.M%06uP%uQ%lluR%016llx.", (long long)seed->seconds,
		   (unsigned)seed->usec, (unsigned)seed->pid, (unsigned long long)seed->counter,
		   (unsigned long long)seed->random);
	/* A name needs three parts for those who look at them. */
	if (host.len == 0)
		buf_puts(out, "localhost");
	for (size_t i = 0; i < host.len && room >= 4; i++) {
		char c = host.ptr[i];
		/* The two octets that the file system and the info part claim (maildir(5)). */
		bool escape = c == '/' || c == ':';
		room -= escape ? 4 : 1;
		if (escape)
			buf_puts(out, c == '/' ? "\\057" : "\\072");
		else
			buf_putc(out, ascii_is_graph(c) && c != ',' ? c : '_');
	}
}

void maildir_put_sizes(struct buf *out, uint64_t size, uint64_t crlf_size)
{
	buf_printf(out, ",S=%llu,W=%llu", (unsigned long long)size, (unsigned long long)crlf_size);
}

/* The number at the front of s, 0 when there is none or it is too large. */
static uint64_t leading_number(struct span s, uint64_t max)
{
	size_t n = 0;
	uint64_t v = 0;

	while (n < s.len && ascii_is_digit(s.ptr[n]))
		n++;
	return num_parse(span_head(s, n), max, &v) ? v : 0;
}

static void take_sizes(struct span fields, struct maildir_name *out)
{
	while (fields.len) {
		struct span f = span_cut(&fields, ',');
		if (span_starts(f, SPAN("S=")))
			out->has_size = num_parse(span_skip(f, 2), UINT64_MAX, &out->size);
		else if (span_starts(f, SPAN("W=")))
			out->has_crlf_size =
			    num_parse(span_skip(f, 2), UINT64_MAX, &out->crlf_size);
	}
}

bool maildir_parse(struct span name, struct maildir_name *out)
{
	*out = (struct maildir_name){.size = 0};
	/* Dot files are other programs' (.nfs..., .lock), and the directory itself. */
	if (name.len == 0 || name.len > MAILDIR_NAME_MAX || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == '/' || name.ptr[i] == 0x7f)
			return false;
	struct span info = name;
	out->base = span_cut(&info, ':');
	/* ":2,S" alone would make all such files one message. */
	if (out->base.len == 0)
		return false;
	if (span_starts(info, SPAN("2,")))
		out->flags = span_skip(info, 2);
	struct span fields = out->base;
	out->unique = span_cut(&fields, ',');
	if (out->unique.len == 0)
		return false;
	take_sizes(fields, out);
	out->seconds = (int64_t)leading_number(out->unique, INT64_MAX);
	struct span rest = out->unique;
	span_cut(&rest, '.');
	if (span_starts(rest, SPAN("M")))
		out->usec = (uint32_t)leading_number(span_skip(rest, 1), UINT32_MAX);
	return true;
}

bool maildir_has_flag(const struct maildir_name *name, char flag)
{
	return span_index(name->flags, flag) < name->flags.len;
}

void maildir_put_flags(struct buf *out, const struct maildir_name *name, const char *add,
		       const char *remove)
{
	buf_put(out, name->base);
	buf_puts(out, ":2,");
	/* Sorted, as readers compare names; keywords of Dovecot (a-z) are kept. */
	for (int c = 'A'; c <= 'z'; c++) {
		if (!ascii_is_alpha((char)c) || strchr(remove, c))
			continue;
		if (maildir_has_flag(name, (char)c) || strchr(add, c))
			buf_putc(out, (char)c);
	}
}

int maildir_compare(const struct maildir_name *a, const struct maildir_name *b)
{
	size_t n = a->unique.len < b->unique.len ? a->unique.len : b->unique.len;

	/* Numbers, since names written by others have no leading zeros. */
	if (a->seconds != b->seconds)
		return a->seconds < b->seconds ? -1 : 1;
	if (a->usec != b->usec)
		return a->usec < b->usec ? -1 : 1;
	int order = memcmp(a->unique.ptr, b->unique.ptr, n);
	if (order)
		return order;
	return (a->unique.len > b->unique.len) - (a->unique.len < b->unique.len);
}
