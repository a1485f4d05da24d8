/*
 * Quoted-printable and base64 in streams: RFC 2045 6.7 and 6.8; see format/mime.h.
 *
 * The encoders must never write a line above MIME_LINE_MAX, nor a line that ends in a blank.
 */
#include "base/ascii.h"
#include "format/mime.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mime_encoder_init(struct mime_encoder *e, enum mime_encoding kind, const char *eol)
{
	*e = (struct mime_encoder){.kind = kind, .eol = eol};
}

static void put_group(struct mime_encoder *e, struct buf *out)
{
	/* h[1] and h[2] are zero when they were not given, as RFC 2045 section 6.8 has it. */
	const unsigned char *h = e->held;
	uint32_t v = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2];
	/* One digit more than octets; padding for the rest. */
	size_t digits = e->held_len + 1;

	for (size_t i = 0; i < 4; i++)
		buf_putc(out, i < digits ? alphabet[v >> (18 - 6 * i) & 63] : '=');
	memset(e->held, 0, sizeof e->held);
	e->held_len = 0;
	e->column += 4;
	if (e->column == MIME_LINE_MAX) {
		buf_puts(out, e->eol);
		e->column = 0;
	}
}

static void encode_base64(struct mime_encoder *e, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		e->held[e->held_len++] = (unsigned char)in.ptr[i];
		if (e->held_len == sizeof e->held)
			put_group(e, out);
	}
}

/* One octet of text, escaped or not; a soft line break before it if the line is full. */
static void put_qp(struct mime_encoder *e, unsigned char c, bool escape, struct buf *out)
{
	size_t width = escape ? 3 : 1;

	/* One column stays free for the "=" of a soft break. */
	if (e->column + width > MIME_LINE_MAX - 1) {
		buf_putc(out, '=');
		buf_puts(out, e->eol);
		e->column = 0;
	}
	/* "From " and "." at the start of a line would be changed on the way. */
	if (e->column == 0 && (c == 'F' || c == '.')) {
		escape = true;
		width = 3;
	}
	if (escape)
		buf_printf(out, "=%02X", c);
	else
		buf_putc(out, (char)c);
	e->column += width;
}

/*
 * The octet held back: escaped when a line end follows it, for blanks at the end of a line
 * are lost on the way (RFC 2045 section 6.7, rule 3). A CR that is no part of a line end
 * is always escaped.
 */
static void release_qp(struct mime_encoder *e, bool at_end, struct buf *out)
{
	if (e->held_len)
		put_qp(e, e->held[0], at_end || e->held[0] == '\r', out);
	e->held_len = 0;
}

static void encode_qp(struct mime_encoder *e, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.ptr[i];

		if (c == '\n') {
			/* CRLF is one line end. */
			if (e->held_len && e->held[0] == '\r')
				e->held_len = 0;
			release_qp(e, true, out);
			buf_puts(out, e->eol);
			e->column = 0;
			continue;
		}
		/* A blank before CR LF ends a line too: the CR shows that one may come. */
		release_qp(e, c == '\r', out);
		if (c == '\r' || ascii_is_blank((char)c)) {
			e->held[0] = c;
			e->held_len = 1;
			continue;
		}
		put_qp(e, c, c == '=' || !ascii_is_graph((char)c), out);
	}
}

void mime_encode(struct mime_encoder *e, struct span in, struct buf *out)
{
	/* All other encodings are the identity: the text is passed on as it is. */
	if (e->kind == MIME_BASE64)
		encode_base64(e, in, out);
	else if (e->kind == MIME_QP)
		encode_qp(e, in, out);
	else
		buf_put(out, in);
}

void mime_encode_finish(struct mime_encoder *e, struct buf *out)
{
	if (e->kind == MIME_BASE64) {
		if (e->held_len)
			put_group(e, out);
		if (e->column)
			buf_puts(out, e->eol);
	} else if (e->kind == MIME_QP) {
		/* Nothing may follow, so a blank here would be the end of a line. */
		release_qp(e, true, out);
		/* A soft break: the text itself had no line end. */
		if (e->column) {
			buf_putc(out, '=');
			buf_puts(out, e->eol);
		}
	}
	e->column = 0;
}

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding kind)
{
	*d = (struct mime_decoder){.kind = kind};
}

/*
 * Digits across pieces and lines are one stream; padding ends it, and what follows is
 * ignored, mailing list footers for example.
 */
static void decode_base64(struct mime_decoder *d, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len && !d->ended; i++) {
		char c = in.ptr[i];
		const char *digit = c ? strchr(alphabet, c) : NULL;

		d->ended = c == '=';
		/* RFC 2045 6.8: octets outside the alphabet are to be ignored. */
		if (!digit)
			continue;
		d->bits = d->bits << 6 | (uint32_t)(digit - alphabet);
		d->nbits += 6;
		if (d->nbits >= 8) {
			d->nbits -= 8;
			buf_putc(out, (char)(d->bits >> d->nbits));
			d->bits &= (1U << d->nbits) - 1;
		}
	}
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What was held turns out to be text. */
static void flush(struct mime_decoder *d, struct buf *out)
{
	buf_put(out, span_make(d->held, d->held_len));
	d->held_len = 0;
}

/* Behind a "=", which is held[0]: hexadecimal digits, or blanks and the line end. */
static bool decode_escape(struct mime_decoder *d, char c, struct buf *out)
{
	char last = d->held[d->held_len - 1];

	if (c == '\n') {
		/* "=" and the line end, with blanks that transport may have added (RFC 2045 6.7).
		 */
		bool soft = d->held_len == 1 || last == '\r' || ascii_is_blank(last);
		if (soft)
			d->held_len = 0;
		else
			flush(d, out);
		return soft;
	}
	if (d->held_len == 1 && hex_value(c) >= 0) {
		d->held[d->held_len++] = c;
		return true;
	}
	if (d->held_len == 2 && hex_value(last) >= 0) {
		if (hex_value(c) >= 0) {
			buf_putc(out, (char)(hex_value(last) << 4 | hex_value(c)));
			d->held_len = 0;
			return true;
		}
	} else if ((ascii_is_blank(c) || c == '\r') && last != '\r' &&
		   d->held_len < sizeof d->held) {
		d->held[d->held_len++] = c;
		return true;
	}
	/*
	 * No escape after all: the "=" is shown as it stands, which RFC 2045 section 6.7
	 * suggests.
	 */
	flush(d, out);
	return false;
}

static void decode_qp(struct mime_decoder *d, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		if (d->held_len && d->held[0] == '=' && decode_escape(d, c, out))
			continue;
		if (c == '\n') {
			/* RFC 2045 6.7 (3): blanks at the end of a line are not of the text. */
			bool crlf = d->held_len && d->held[d->held_len - 1] == '\r';
			buf_puts(out, crlf ? "\r\n" : "\n");
			d->held_len = 0;
			continue;
		}
		bool after_cr = d->held_len && d->held[d->held_len - 1] == '\r';
		bool holds = ascii_is_blank(c) || c == '\r';
		/* They were not at the end of a line after all, or are too many to be an accident.
		 */
		if (!holds || after_cr || d->held_len == sizeof d->held)
			flush(d, out);
		if (holds || c == '=')
			d->held[d->held_len++] = c;
		else
			buf_putc(out, c);
	}
}

void mime_decode(struct mime_decoder *d, struct span in, struct buf *out)
{
	if (d->kind == MIME_BASE64)
		decode_base64(d, in, out);
	else if (d->kind == MIME_QP)
		decode_qp(d, in, out);
	else
		buf_put(out, in);
}

void mime_decode_finish(struct mime_decoder *d, struct buf *out)
{
	/* A "=" at the very end is a soft break whose line end was lost. */
	if (d->held_len > 1 || d->held[0] != '=')
		flush(d, out);
	d->held_len = 0;
}
