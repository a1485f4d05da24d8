/*
 * Frames and replies between popd's processes; see proto/pop3_reply.h.
 *
 * The store process writes whole replies, the network process only passes them on: text
 * goes through it by frames of known length, so it need not look for the end of a message.
 * Both sides check what they get, since either may have been taken over by the one it
 * talks to.
 */
#include "proto/pop3_reply.h"

static void put_u32(struct buf *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		buf_putc(out, (char)(v >> 8 * i & 0xff));
}

static uint32_t get_u32(const void *p)
{
	const unsigned char *b = p;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Little-endian, fixed size: a request is three numbers and never has to be parsed. */
void pop3_put_request(struct buf *out, const struct pop3_request *r)
{
	put_u32(out, (uint32_t)r->op);
	put_u32(out, r->msg);
	put_u32(out, r->lines);
}

bool pop3_get_request(const char frame[POP3_FRAME], struct pop3_request *r)
{
	uint32_t op = get_u32(frame);
	bool needs_msg = op == POP3_RETR || op == POP3_TOP || op == POP3_DELE;

	/* OPEN is said by starting the store at all. */
	if (op == POP3_OPEN || op >= POP3_OPS)
		return false;
	*r = (struct pop3_request){(enum pop3_op)op, get_u32(frame + 4), get_u32(frame + 8)};
	/* A number where there must be one, and none where none belongs. */
	if (needs_msg ? r->msg == 0 : r->msg && op != POP3_LIST && op != POP3_UIDL)
		return false;
	return r->lines == 0 || op == POP3_TOP;
}

/* Three octets of length and one that says what follows. */
void pop3_put_head(unsigned char head[POP3_HEAD], enum pop3_kind kind, size_t len)
{
	BUG_ON(len > POP3_TEXT_MAX);
	for (int i = 0; i < 3; i++)
		head[i] = (unsigned char)(len >> 8 * i & 0xff);
	head[3] = (unsigned char)kind;
}

enum pop3_answer pop3_get_answer(struct pop3_answers *a, struct span *in, struct span *text)
{
	/* A part is followed by more of the same answer; the last frame's kind is its outcome. */
	if (a->held == POP3_HEAD && a->left == 0 && a->kind != POP3_PART) {
		a->held = 0;
		return a->kind == POP3_OK ? POP3_A_OK : POP3_A_ERR;
	}
	if (a->held == POP3_HEAD && a->left == 0)
		a->held = 0;
	/* An empty last frame was told above. */
	if (in->len == 0)
		return POP3_A_MORE;
	if (a->held == POP3_HEAD) {
		*text = span_head(*in, a->left);
		*in = span_skip(*in, text->len);
		a->left -= (uint32_t)text->len;
		return POP3_A_TEXT;
	}
	while (in->len && a->held < POP3_HEAD) {
		a->head[a->held++] = (unsigned char)in->ptr[0];
		*in = span_skip(*in, 1);
	}
	if (a->held < POP3_HEAD)
		return POP3_A_MORE;
	a->kind = a->head[3];
	a->left = get_u32(a->head) & 0xffffff;
	/* An empty part would be a frame that makes no progress. */
	if (a->kind < POP3_PART || a->kind > POP3_ERR || a->left > POP3_TEXT_MAX ||
	    (a->kind == POP3_PART && a->left == 0))
		return POP3_A_BAD;
	return pop3_get_answer(a, in, text);
}

static void put_count(struct buf *out, uint64_t n, const char *what)
{
	buf_putu(out, n);
	buf_putc(out, ' ');
	buf_puts(out, what);
	if (n != 1)
		buf_putc(out, 's');
}

static void end_line(struct buf *out)
{
	buf_puts(out, "\r\n");
}

void pop3_reply_open(struct buf *out, uint64_t count)
{
	pop3_reply_all(out, count);
}

void pop3_reply_stat(struct buf *out, uint64_t count, uint64_t octets)
{
	buf_puts(out, "+OK ");
	pop3_put_list(out, count, octets);
}

void pop3_reply_list(struct buf *out, uint64_t msg, uint64_t octets)
{
	pop3_reply_stat(out, msg, octets);
}

void pop3_reply_uidl(struct buf *out, uint64_t msg, const char *uid)
{
	buf_puts(out, "+OK ");
	pop3_put_uidl(out, msg, uid);
}

void pop3_reply_all(struct buf *out, uint64_t count)
{
	buf_puts(out, "+OK ");
	put_count(out, count, "message");
	end_line(out);
}

void pop3_put_list(struct buf *out, uint64_t msg, uint64_t octets)
{
	buf_putu(out, msg);
	buf_putc(out, ' ');
	buf_putu(out, octets);
	end_line(out);
}

void pop3_put_uidl(struct buf *out, uint64_t msg, const char *uid)
{
	buf_putu(out, msg);
	buf_putc(out, ' ');
	buf_puts(out, uid);
	end_line(out);
}

void pop3_reply_retr(struct buf *out, uint64_t octets)
{
	buf_puts(out, "+OK ");
	put_count(out, octets, "octet");
	end_line(out);
}

void pop3_reply_top(struct buf *out)
{
	buf_puts(out, "+OK\r\n");
}

void pop3_put_dot(struct buf *out)
{
	buf_puts(out, ".\r\n");
}

void pop3_reply_dele(struct buf *out, uint64_t msg)
{
	buf_puts(out, "+OK message ");
	buf_putu(out, msg);
	buf_puts(out, " will be deleted\r\n");
}

void pop3_reply_rset(struct buf *out, uint64_t count)
{
	pop3_reply_all(out, count);
}

void pop3_reply_quit(struct buf *out, uint64_t deleted, uint64_t left)
{
	buf_puts(out, "+OK ");
	put_count(out, deleted, "message");
	buf_puts(out, " deleted, ");
	buf_putu(out, left);
	buf_puts(out, " left\r\n");
}

void pop3_reply_missing(struct buf *out, uint64_t msg, bool deleted)
{
	buf_puts(out, "-ERR message ");
	buf_putu(out, msg);
	buf_puts(out, deleted ? " is marked deleted\r\n" : " is not there\r\n");
}

/* RFC 2449 section 8.1.2: IN-USE tells the client to try again, not to ask for a password. */
void pop3_reply_error(struct buf *out, const struct err *e, bool in_use)
{
	buf_puts(out, in_use                 ? "-ERR [IN-USE] "
		      : e->class == ERR_PERM ? "-ERR [SYS/PERM] "
					     : "-ERR [SYS/TEMP] ");
	/* Our own paths are nothing for the client, who can do nothing about them. */
	buf_puts(out,
		 in_use ? "another session has this mailbox" : "this mailbox cannot be used now");
	end_line(out);
}
